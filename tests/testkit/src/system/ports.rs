//! Free ports for the processes of one system.
//!
//! The roles' settings name ports, so they are chosen here: below the range from which the kernel takes
//! the ports of outgoing connections (32768 and up). Every port that is chosen is claimed, by an abstract
//! Unix socket of its number, for as long as its system lives: the processes bind later, one after the
//! other, and some are restarted.
//!
//! **Invariant:** no two listeners of systems that live at the same time on one machine get the same
//! port. A program that is none of the testkit's may still take one before its process binds it; that
//! start fails, with the address in its log.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net;

use anyhow::Context as _;

use super::Role;

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Ports, claimed until this is dropped.
#[derive(Debug)]
pub(super) struct Ports {
    claims: Vec<net::UnixListener>,
    next: u16,
    front: u16,
    mesh: BTreeMap<Role, Vec<SocketAddr>>,
    operations: BTreeMap<Role, Vec<SocketAddr>>,
    admin: SocketAddr,
    page: u16,
    server: u16,
}

impl Ports {
    /// Ports for a system with so many gateways, from a place of chance on.
    pub(super) fn claim(gateways: u8) -> anyhow::Result<Self> {
        let mut seed = [0; 2];
        aws_lc_rs::rand::fill(&mut seed)
            .ok()
            .context("no random bytes")?;
        Self::claim_from(u16::from_be_bytes(seed) % COUNT, gateways)
    }

    /// The same from the port after this one on, counted from [`FIRST`].
    pub(super) fn claim_from(next: u16, gateways: u8) -> anyhow::Result<Self> {
        let hosts: Vec<Ipv4Addr> = (1..=gateways)
            .map(|last| Ipv4Addr::new(127, 0, 0, last))
            .collect();
        let mut ports = Self {
            claims: Vec::new(),
            next,
            front: 0,
            mesh: BTreeMap::new(),
            operations: BTreeMap::new(),
            admin: SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
            page: 0,
            server: 0,
        };
        ports.front = ports.one_on(&hosts)?;
        ports.admin = ports.one()?;
        ports.page = ports.one()?.port();
        ports.server = ports.one()?.port();
        for role in Role::ALL {
            let count = if role == Role::Gateway { gateways } else { 1 };
            let mesh = ports.some(count)?;
            ports.mesh.insert(role, mesh);
            let operations = ports.some(count)?;
            ports.operations.insert(role, operations);
        }
        Ok(ports)
    }

    /// The port of every gateway.
    pub(super) fn front(&self) -> u16 {
        self.front
    }

    /// Where the admin API listens.
    pub(super) fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The port kept for the pages of an application: whoever tests with them listens there.
    pub(super) fn page(&self) -> u16 {
        self.page
    }

    /// The port kept for an application that is a server.
    pub(super) fn server(&self) -> u16 {
        self.server
    }

    /// Where each role answers the others.
    pub(super) fn addresses(&self) -> BTreeMap<Role, Vec<SocketAddr>> {
        self.mesh.clone()
    }

    /// Where each role tells how it is.
    pub(super) fn operations(&self) -> BTreeMap<Role, Vec<SocketAddr>> {
        self.operations.clone()
    }

    fn some(&mut self, count: u8) -> anyhow::Result<Vec<SocketAddr>> {
        (0..count).map(|_| self.one()).collect()
    }

    fn one(&mut self) -> anyhow::Result<SocketAddr> {
        let port = self.one_on(&[Ipv4Addr::LOCALHOST])?;
        Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port))
    }

    /// A port that is free on all of these addresses.
    fn one_on(&mut self, hosts: &[Ipv4Addr]) -> anyhow::Result<u16> {
        for _ in 0..COUNT {
            self.next = (self.next + 1) % COUNT;
            let port = FIRST + self.next;
            let Some(claim) = claim(port)? else {
                continue;
            };
            let is_free = |host: &Ipv4Addr| TcpListener::bind((*host, port)).is_ok();
            if hosts.iter().all(is_free) {
                self.claims.push(claim);
                return Ok(port);
            }
        }
        anyhow::bail!("no free port between {FIRST} and {}", FIRST + COUNT)
    }
}

/// The claim to a port; none if another system has it. It ends with this process, however that ends.
fn claim(port: u16) -> anyhow::Result<Option<net::UnixListener>> {
    let name = net::SocketAddr::from_abstract_name(format!("postern-testkit-port-{port}"))?;
    match net::UnixListener::bind_addr(&name) {
        Ok(claim) => Ok(Some(claim)),
        Err(error) if error.kind() == ErrorKind::AddrInUse => Ok(None),
        Err(error) => Err(error).context("failed to claim a port"),
    }
}
