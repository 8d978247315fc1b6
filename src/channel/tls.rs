//! Whom adapters trust when they connect, and where they may go without TLS.

use std::net::IpAddr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::fields::Fields;

/// This machine itself, by name or address; brackets around an IPv6 address do not count.
pub(super) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Trusts the public authorities, and those in `ca_file` for a campus with its own.
pub(super) fn client_config(fields: &mut Fields<'_>) -> Option<Arc<ClientConfig>> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = fields.text("ca_file") {
        let mut read = || -> Result<usize, String> {
            let certificates = CertificateDer::pem_file_iter(&path).map_err(|error| error.to_string())?;
            let mut count = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
                count += 1;
            }
            Ok(count)
        };
        match read() {
            Ok(0) => fields.fault("ca_file", "no_certificate", format!("there is no certificate in {path}")),
            Ok(_) => {}
            Err(reason) => {
                fields.fault("ca_file", "unreadable", format!("{path} cannot be used: {reason}"));
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    match ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions() {
        Ok(builder) => Some(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())),
        Err(error) => {
            fields.fault("ca_file", "unsupported", error.to_string());
            None
        }
    }
}
