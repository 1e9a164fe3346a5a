//! A server of LDAP that does what a test tells it to: answers that no sane domain controller gives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::connection::{ActiveDirectory as Source, DirectoryTrust};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::ber::{bind_response, done, entry, split};

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    Bind { name: String, password: String },
    Search { base: String, whole_subtree: bool },
    Other(u8),
}

/// What the server does about it.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    Send(Vec<u8>),
    /// One byte at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// The same bytes again and again, as fast as they go.
    Flood(Vec<u8>),
    Close,
}

type Script = Arc<dyn Fn(u32, &Asked) -> Option<Vec<Reply>> + Send + Sync>;

/// A running stub. What the script leaves to it, it answers like a small, sane directory with one person.
pub(crate) struct Stub {
    pub(crate) address: SocketAddr,
    pub(crate) pem: String,
    seen: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<Script>>,
    task: tokio::task::JoinHandle<()>,
}

/// How a stub begins a connection.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    Tls,
    /// Waits for a StartTLS request and answers with these bytes; goes on with TLS where asked to.
    Clear {
        answer: Vec<u8>,
        then_tls: bool,
    },
}

impl Stub {
    pub(crate) async fn start(start: Start) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), start, certified()).await
    }

    pub(crate) async fn at(address: SocketAddr, start: Start, certified: Certified) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sane: Script = Arc::new(|_, _| None);
        let script = Arc::new(Mutex::new(sane));
        let acceptor = TlsAcceptor::from(certified.config);
        let task = tokio::spawn({
            let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
                    let (acceptor, start) = (acceptor.clone(), start.clone());
                    tokio::spawn(async move {
                        let _ = serve(stream, acceptor, start, seen, script).await;
                    });
                }
            }
        });
        Self {
            address,
            pem: certified.pem,
            seen,
            script,
            task,
        }
    }

    /// From now on: what `script` says, and the sane answer where it says nothing.
    pub(crate) fn script(
        &self,
        script: impl Fn(u32, &Asked) -> Option<Vec<Reply>> + Send + Sync + 'static,
    ) {
        *self.script.lock().unwrap() = Arc::new(script);
    }

    /// From now on sane answers.
    pub(crate) fn sane(&self) {
        self.script(|_, _| None);
    }

    /// What was asked since the last look.
    pub(crate) fn seen(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// The names that binds were made with since the last look, without the service account's.
    pub(crate) fn binds(&self) -> Vec<(String, String)> {
        let binds = self.seen().into_iter().filter_map(|asked| match asked {
            Asked::Bind { name, password } if name != SERVICE => Some((name, password)),
            _ => None,
        });
        binds.collect()
    }

    pub(crate) fn source(&self) -> Source {
        Source {
            servers: vec![format!("ldaps://{}", self.address)],
            base: BASE.into(),
            bind_account: SERVICE.into(),
            trust: DirectoryTrust::Authorities {
                pem: self.pem.clone(),
            },
        }
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub(crate) const BASE: &str = "DC=fabrikam,DC=test";
pub(crate) const SERVICE: &str = "CN=svc,DC=fabrikam,DC=test";
pub(crate) const JON: &str = "CN=Jon\\, Lord \"Snow\" <x>,OU=(Staff)*,DC=fabrikam,DC=test";
pub(crate) const PASSWORD: &str = "winter is coming";

/// A security identifier with this last number.
pub(crate) fn sid(last: u32) -> Vec<u8> {
    let mut bytes = vec![1, 5, 0, 0, 0, 0, 0, 5];
    for part in [21, 1, 2, 3, last] {
        bytes.extend(u32::to_le_bytes(part));
    }
    bytes
}

/// Attributes with their values.
pub(crate) type Attributes = Vec<(&'static str, Vec<Vec<u8>>)>;

/// Jon's attributes with some changed; no values at all take one away.
pub(crate) fn jon(changes: &[(&'static str, Vec<Vec<u8>>)]) -> Attributes {
    let mut attributes = vec![
        (
            "objectClass",
            vec![b"top".to_vec(), b"person".to_vec(), b"user".to_vec()],
        ),
        ("objectGUID", vec![vec![7; 16]]),
        ("objectSid", vec![sid(1102)]),
        ("sAMAccountName", vec![b"jon".to_vec()]),
        ("displayName", vec!["Jon <b>\u{1b}[31m".as_bytes().to_vec()]),
        ("userAccountControl", vec![b"512".to_vec()]),
        ("msDS-User-Account-Control-Computed", vec![b"0".to_vec()]),
        ("accountExpires", vec![b"0".to_vec()]),
        ("pwdLastSet", vec![b"133000000000000000".to_vec()]),
    ];
    for (name, values) in changes {
        attributes.retain(|(known, _)| known != name);
        if !values.is_empty() {
            attributes.push((name, values.clone()));
        }
    }
    attributes
}

/// What a sane directory answers.
fn sane(id: u32, asked: &Asked) -> Vec<Reply> {
    match asked {
        Asked::Bind { name, password } => {
            let right = name == SERVICE || (name == JON && password == PASSWORD);
            let text =
                "80090308: LdapErr: DSID-0, comment: AcceptSecurityContext error, data 52e, v1";
            vec![Reply::Send(if right {
                bind_response(id, 0, "")
            } else {
                bind_response(id, 49, text)
            })]
        }
        Asked::Search {
            base,
            whole_subtree: false,
        } if base.is_empty() => found(
            id,
            &[("", vec![("tokenGroups", vec![sid(1102), sid(513)])])],
        ),
        Asked::Search {
            whole_subtree: false,
            ..
        } => found(id, &[(JON, vec![("tokenGroups", vec![sid(513)])])]),
        Asked::Search { .. } => {
            // Also for the names of groups: none of those that were asked for.
            found(id, &[(JON, jon(&[]))])
        }
        Asked::Other(_) => vec![Reply::Close],
    }
}

/// These entries and the end.
pub(crate) fn found(id: u32, entries: &[(&str, Attributes)]) -> Vec<Reply> {
    let mut bytes: Vec<u8> = entries
        .iter()
        .flat_map(|(name, attributes)| entry(id, name, attributes))
        .collect();
    bytes.extend(done(id, 0));
    vec![Reply::Send(bytes)]
}

pub(crate) struct Certified {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) pem: String,
}

impl Clone for Certified {
    fn clone(&self) -> Self {
        Self {
            config: Arc::clone(&self.config),
            pem: self.pem.clone(),
        }
    }
}

pub(crate) fn certified() -> Certified {
    let key = rcgen::KeyPair::generate().unwrap();
    let parameters = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .unwrap()
    .with_no_client_auth()
    .with_single_cert(
        vec![certificate.der().clone()],
        PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
    )
    .unwrap();
    Certified {
        config: Arc::new(config),
        pem: certificate.pem(),
    }
}

async fn serve(
    mut stream: TcpStream,
    acceptor: TlsAcceptor,
    start: Start,
    seen: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<Script>>,
) -> std::io::Result<()> {
    if let Start::Clear { answer, then_tls } = start {
        let mut request = [0; 31];
        stream.read_exact(&mut request).await?;
        stream.write_all(&answer).await?;
        if !then_tls {
            // Open, and whatever comes now came in the clear.
            return converse(stream, &seen, &script).await;
        }
    }
    converse(acceptor.accept(stream).await?, &seen, &script).await
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    seen: &Mutex<Vec<Asked>>,
    script: &Mutex<Script>,
) -> std::io::Result<()> {
    let mut pending = Vec::new();
    loop {
        if stream.read_buf(&mut pending).await? == 0 {
            return Ok(());
        }
        while let Some((_, contents, rest)) = split(&pending) {
            let (_, id, operation) = split(contents).unwrap();
            let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
            let asked = read(operation);
            pending = rest.to_vec();
            seen.lock().unwrap().push(asked.clone());
            let script = Arc::clone(&script.lock().unwrap());
            let replies = script(id, &asked).unwrap_or_else(|| sane(id, &asked));
            for reply in replies {
                match reply {
                    Reply::Send(bytes) => stream.write_all(&bytes).await?,
                    Reply::Drip(bytes, pause) => {
                        for byte in bytes {
                            stream.write_all(&[byte]).await?;
                            stream.flush().await?;
                            tokio::time::sleep(pause).await;
                        }
                    }
                    Reply::Flood(bytes) => loop {
                        stream.write_all(&bytes).await?;
                    },
                    Reply::Close => return Ok(()),
                }
            }
            stream.flush().await?;
        }
    }
}

fn read(operation: &[u8]) -> Asked {
    let (tag, contents, _) = split(operation).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    match tag {
        0x60 => {
            let (_, _version, rest) = split(contents).unwrap();
            let (_, name, rest) = split(rest).unwrap();
            let (_, password, _) = split(rest).unwrap();
            Asked::Bind {
                name: text(name),
                password: text(password),
            }
        }
        0x63 => {
            let (_, base, rest) = split(contents).unwrap();
            let (_, scope, _) = split(rest).unwrap();
            Asked::Search {
                base: text(base),
                whole_subtree: scope == [2],
            }
        }
        other => Asked::Other(other),
    }
}
