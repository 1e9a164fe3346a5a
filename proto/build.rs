//! Compiles the contracts without a system `protoc`.

use std::path::PathBuf;
use std::{env, error, fs};

use prost::Message;

const CONTRACTS: [&str; 3] = [
    "postern/certval/v1/certval.proto",
    "postern/directory/v1/directory.proto",
    "postern/gateway/v1/codes.proto",
];

fn main() -> Result<(), Box<dyn error::Error>> {
    println!("cargo:rerun-if-changed=postern");
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let descriptors = protox::compile(CONTRACTS, [root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
