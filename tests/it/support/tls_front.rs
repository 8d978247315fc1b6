//! TLS before a server that has none, with an authority of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::folder::TempFolder;

/// The first byte of whoever begins with TLS (RFC 8446, §5.1: a record of the handshake).
const HANDSHAKE: u8 = 22;

pub(crate) struct TlsFront {
    pub(crate) port: u16,
    seen: Arc<Seen>,
    folder: TempFolder,
}

#[derive(Default)]
struct Seen {
    shaken: AtomicU64,
    refused: AtomicU64,
    /// Bytes that clients said once the handshake was over.
    heard: AtomicU64,
    plain: AtomicBool,
}

impl TlsFront {
    /// Before the server at that address, with a certificate for these names.
    pub(crate) async fn start(server: &str, names: &[&str]) -> Self {
        let folder = TempFolder::new();
        let (acceptor, ca) = certified(names);
        std::fs::write(folder.path().join("ca.pem"), ca).unwrap();
        let server: Url = server.parse().unwrap();
        let server = format!("{}:{}", server.host_str().unwrap(), server.port().unwrap());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::<Seen>::default();
        let sees = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, acceptor.clone(), server.clone(), Arc::clone(&sees)));
            }
        });
        Self { port, seen, folder }
    }

    /// Of its authority.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Handshakes that came to an end.
    pub(crate) fn shaken(&self) -> u64 {
        self.seen.shaken.load(Ordering::SeqCst)
    }

    /// Handshakes that the client broke off.
    pub(crate) fn refused(&self) -> u64 {
        self.seen.refused.load(Ordering::SeqCst)
    }

    /// Bytes that clients said to the server behind.
    pub(crate) fn heard(&self) -> u64 {
        self.seen.heard.load(Ordering::SeqCst)
    }

    pub(crate) fn all_began_with_tls(&self) -> bool {
        !self.seen.plain.load(Ordering::SeqCst)
    }
}

async fn carry(client: TcpStream, acceptor: TlsAcceptor, server: String, seen: Arc<Seen>) {
    let mut first = [0];
    if !matches!(client.peek(&mut first).await, Ok(1)) {
        return;
    }
    if first[0] != HANDSHAKE {
        seen.plain.store(true, Ordering::SeqCst);
    }
    let Ok(client) = acceptor.accept(client).await else {
        seen.refused.fetch_add(1, Ordering::SeqCst);
        return;
    };
    seen.shaken.fetch_add(1, Ordering::SeqCst);
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = TcpStream::connect(server).await.unwrap().into_split();
    let up = async {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            seen.heard.fetch_add(n as u64, Ordering::SeqCst);
            if to_server.write_all(&buffer[..n]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
    }
}

/// An acceptor with a certificate for these names, and the authority that signed it, in PEM.
fn certified(names: &[&str]) -> (TlsAcceptor, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let ca = authority.self_signed(&key).unwrap().pem();
    let authority = Issuer::new(authority, key);
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), ca)
}
