//! TLS with an authority of a simulator's own, made at start and trusted by nobody who was not told.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rcgen::{KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

pub(super) struct Identity {
    /// Of the authority, for whoever is to trust it.
    pub(super) ca_pem: String,
    pub(super) acceptor: TlsAcceptor,
    authority: Issuer<'static, KeyPair>,
    names: Vec<String>,
}

/// What may be wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It was good once.
    Expired,
    /// It is signed by nobody but itself.
    Stranger,
    /// It is another host's.
    OtherName,
}

impl Identity {
    /// A certificate for `localhost`, both loopback addresses and the one listened on, signed by a fresh authority.
    pub(super) fn issue(listen: SocketAddr) -> io::Result<Self> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Simulated authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let ca_pem = params.self_signed(&key).map_err(io::Error::other)?.pem();
        let authority = Issuer::new(params, key);

        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        let listen = listen.ip().to_string();
        if !names.contains(&listen) {
            names.push(listen);
        }
        let acceptor = acceptor(&leaf(names.clone())?, Some(&authority))?;
        Ok(Self { ca_pem, acceptor, authority, names })
    }

    /// With a certificate that nobody should take.
    pub(super) fn flawed(&self, flaw: Flaw) -> io::Result<TlsAcceptor> {
        let mut params = leaf(match flaw {
            Flaw::OtherName => vec!["elsewhere.example".to_owned()],
            Flaw::Expired | Flaw::Stranger => self.names.clone(),
        })?;
        if flaw == Flaw::Expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        acceptor(&params, (flaw != Flaw::Stranger).then_some(&self.authority))
    }
}

fn new_key() -> io::Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(io::Error::other)
}

fn leaf(names: Vec<String>) -> io::Result<CertificateParams> {
    let mut params = CertificateParams::new(names).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "Simulated vendor");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(params)
}

/// What shows this certificate, signed by an authority or by itself.
fn acceptor(
    params: &CertificateParams,
    authority: Option<&Issuer<'static, KeyPair>>,
) -> io::Result<TlsAcceptor> {
    let key = new_key()?;
    let certificate = match authority {
        Some(authority) => params.signed_by(&key, authority),
        None => params.self_signed(&key),
    };
    let certificate = certificate.map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
