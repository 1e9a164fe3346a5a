//! The root for servers on this machine.
//!
//! **Invariant:** whoever trusts it in a browser trusts it for this machine's own names only.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rcgen::{CidrSubnet, GeneralSubtree, NameConstraints};

use super::Authority;

/// A root whose critical name constraints allow `localhost` and what is below it, 127.0.0.0/8 and ::1.
///
/// # Errors
/// If the certificate cannot be encoded.
pub fn server_root(common_name: &str) -> anyhow::Result<Authority> {
    let loopback = |address: IpAddr, prefix| {
        GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, prefix))
    };
    Authority::named(common_name)
        .name_constraints(NameConstraints {
            permitted_subtrees: vec![
                GeneralSubtree::DnsName("localhost".into()),
                loopback(Ipv4Addr::new(127, 0, 0, 0).into(), 8),
                loopback(Ipv6Addr::LOCALHOST.into(), 128),
            ],
            excluded_subtrees: Vec::new(),
        })
        .self_signed()
}
