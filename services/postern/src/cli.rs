//! The command line: what can be said, and how it ends.
//!
//! Exit codes: 0 done, 1 refused, 2 could not be asked or wrongly called.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use domain::application::Origin;

pub(crate) mod admin;
pub(crate) mod authorities;
pub(crate) mod connections;
pub(crate) mod health;
pub(crate) mod instances;
pub(crate) mod pki;
pub(crate) mod ranges;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

/// Certificate sign-in for Active Directory, in front of any OpenID Connect application.
#[derive(Debug, Parser)]
#[command(name = "postern", version, about, disable_help_subcommand = true)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Everything `postern` can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process with a demonstration directory, and sign jon in
    Demo(DemoArguments),
    /// Run the edge: TLS, the gate, sign-in pages, OpenID Connect
    Gateway(RoleArguments),
    /// Run certificate validation
    Certval(RoleArguments),
    /// Run the directory service
    Directory(RoleArguments),
    /// Run the admin API, the only writer of live configuration
    Control(RoleArguments),
    /// Run the demonstration's sample application by itself, beside a Postern that runs elsewhere
    Sample(SampleArguments),
    /// Ask a role on this machine whether it is ready: exit code 0 if it is, otherwise 1
    Health(health::Arguments),
    /// Print the effective settings of a role, every key with its meaning and origin
    Settings(settings::Arguments),
    /// Authorities whose certificates are accepted
    #[command(subcommand)]
    Ca(authorities::Command),
    /// Ranges of addresses that are asked for a certificate
    #[command(subcommand)]
    Range(ranges::Command),
    /// Connections: one Active Directory each, with its methods
    #[command(subcommand)]
    Connection(connections::Command),
    /// Processes that are alive, and the revision each has applied
    Instances(instances::Arguments),
    /// Certificates and keys for Postern's own processes, and for trying it out
    #[command(subcommand)]
    Pki(pki::Command),
}

/// Arguments of `postern demo`.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    /// Folder for everything the demonstration makes
    #[arg(long, default_value = "postern-demo")]
    pub data: PathBuf,
    /// Port of the sign-in hosts and the application, on 127.0.0.1 and ::1
    #[arg(long, default_value_t = 8443, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Port of the admin API
    #[arg(long, default_value_t = 8444, value_parser = clap::value_parser!(u16).range(1..))]
    pub admin_port: u16,
    /// Also register an application of your own at this origin, like http://localhost:3000, as the public client
    /// `my-application` with the redirect URIs ORIGIN/ and ORIGIN/callback
    #[arg(long)]
    pub origin: Option<Origin>,
    /// Remove what an earlier demonstration left in the folder, and start over
    #[arg(long)]
    pub fresh: bool,
    /// Stop after the sign-in; the exit code says whether it worked
    #[arg(long)]
    pub once: bool,
    /// Send traces there, by OTLP over gRPC, like http://127.0.0.1:4317
    #[arg(long, value_name = "URL")]
    pub traces: Option<String>,
}

/// Arguments of `postern sample`.
#[derive(Debug, Clone, Args)]
pub(crate) struct SampleArguments {
    /// The issuer it signs people in at
    #[arg(long, value_name = "URL")]
    pub issuer: url::Url,
    /// Its own address, as browsers reach it
    #[arg(long, value_name = "URL")]
    pub home: url::Url,
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8445")]
    pub listen: SocketAddr,
    /// Its server certificate (PEM)
    #[arg(long, value_name = "FILE")]
    pub certificate: PathBuf,
    /// The certificate's private key (PEM, mode 0600)
    #[arg(long, value_name = "FILE")]
    pub key: PathBuf,
    /// File (mode 0600) with the secret that `demo-application` is registered with
    #[arg(long, value_name = "FILE")]
    pub client_secret: PathBuf,
    /// Certificate (PEM) that the issuer's is trusted by
    #[arg(long, value_name = "FILE")]
    pub trust: PathBuf,
    /// Where the person at the browser finds certificates and passwords, for the page to tell
    #[arg(long, value_name = "FOLDER", default_value = "postern-people")]
    pub people: PathBuf,
    /// Where it says whether it is ready, over plain HTTP
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9204")]
    pub operations: SocketAddr,
}

/// Arguments of a role.
#[derive(Debug, Clone, Args)]
pub(crate) struct RoleArguments {
    /// Settings file (TOML); variables like POSTERN__EDGE__LISTEN override it
    #[arg(long, value_name = "FILE", env = "POSTERN_SETTINGS")]
    pub settings: Option<PathBuf>,
}

/// Where the admin API is, and how to print what it says.
#[derive(Debug, Clone, Args)]
pub(crate) struct AdminArguments {
    /// Address of the admin API
    #[arg(
        long,
        env = "POSTERN_ADMIN_URL",
        default_value = "https://localhost:8444",
        global = true
    )]
    pub admin_url: url::Url,
    /// File with the bearer token
    #[arg(
        long,
        env = "POSTERN_ADMIN_TOKEN_FILE",
        value_name = "FILE",
        global = true
    )]
    pub admin_token_file: Option<PathBuf>,
    /// Certificate (PEM) that the admin API's own is trusted by
    #[arg(long, env = "POSTERN_ADMIN_CA", value_name = "FILE", global = true)]
    pub admin_ca: Option<PathBuf>,
    /// Print one JSON object (lists: one array) on one line
    #[arg(long, global = true)]
    pub json: bool,
}

/// Arguments of a write.
#[derive(Debug, Clone, Args)]
pub(crate) struct WriteArguments {
    /// The connection to change
    #[arg(long, value_name = "NAME")]
    pub connection: String,
    /// Wait until every live instance has applied the change
    #[arg(long)]
    pub wait: bool,
    /// Where and how to ask
    #[command(flatten)]
    pub admin: AdminArguments,
}

/// Arguments of a question about one connection.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReadArguments {
    /// The connection to look at
    #[arg(long, value_name = "NAME")]
    pub connection: String,
    /// Where and how to ask
    #[command(flatten)]
    pub admin: AdminArguments,
}

/// An address to test against ranges.
pub(crate) type Address = IpAddr;
