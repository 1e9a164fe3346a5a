//! docker-compose.yml as it is shipped, in a real Docker.

use std::process::ExitCode;

fn main() -> ExitCode {
    deploy_tests::compose::run()
}
