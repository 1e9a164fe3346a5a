//! Free ports for the processes of one system.
//!
//! The roles' settings name ports, so they are chosen here: below the range from which the kernel takes
//! the ports of outgoing connections (32768 and up), bound until the processes are about to start.
//!
//! **Invariant:** no two listeners of one system, nor of two systems that start at the same moment, get
//! the same address.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use anyhow::Context as _;

use super::Role;

const FIRST: u16 = 20_000;
const COUNT: u16 = 10_000;

/// Ports, held until this is dropped.
#[derive(Debug)]
pub(super) struct Ports {
    /// One port on every gateway's address.
    _front: Vec<TcpListener>,
    front_port: u16,
    mesh: BTreeMap<Role, Vec<TcpListener>>,
    admin: TcpListener,
}

impl Ports {
    pub(super) fn reserve(gateways: u8) -> anyhow::Result<Self> {
        let hosts: Vec<Ipv4Addr> = (1..=gateways)
            .map(|last| Ipv4Addr::new(127, 0, 0, last))
            .collect();
        let mut seed = [0; 2];
        aws_lc_rs::rand::fill(&mut seed)
            .ok()
            .context("no random bytes")?;
        let mut next = u16::from_be_bytes(seed) % COUNT;
        let mut hold = |hosts: &[Ipv4Addr]| {
            for _ in 0..COUNT {
                next = (next + 1) % COUNT;
                let port = FIRST + next;
                let all: Option<Vec<TcpListener>> = hosts
                    .iter()
                    .map(|host| TcpListener::bind((*host, port)).ok())
                    .collect();
                if let Some(listeners) = all {
                    return Ok((port, listeners));
                }
            }
            anyhow::bail!("no free port between {FIRST} and {}", FIRST + COUNT)
        };
        let (front_port, front) = hold(&hosts)?;
        let mut one = || -> anyhow::Result<TcpListener> {
            hold(&[Ipv4Addr::LOCALHOST])?.1.pop().context("no listener")
        };
        let admin = one()?;
        let mut mesh = BTreeMap::new();
        for role in Role::ALL {
            let count = if role == Role::Gateway { gateways } else { 1 };
            let listeners = (0..count)
                .map(|_| one())
                .collect::<anyhow::Result<Vec<_>>>()?;
            mesh.insert(role, listeners);
        }
        Ok(Self {
            _front: front,
            front_port,
            mesh,
            admin,
        })
    }

    /// The port of every gateway.
    pub(super) fn front(&self) -> u16 {
        self.front_port
    }

    /// Where the admin API listens.
    pub(super) fn admin(&self) -> anyhow::Result<SocketAddr> {
        self.admin
            .local_addr()
            .context("a listener without an address")
    }

    /// Where each role answers the others.
    pub(super) fn addresses(&self) -> BTreeMap<Role, Vec<SocketAddr>> {
        let address = |listener: &TcpListener| listener.local_addr().ok();
        self.mesh
            .iter()
            .map(|(role, listeners)| (*role, listeners.iter().filter_map(address).collect()))
            .collect()
    }
}
