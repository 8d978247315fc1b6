//! Whom adapters trust when they connect, and where they may go without TLS.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::fields::Fields;

/// This machine itself, by name or address; brackets around an IPv6 address do not count.
pub(crate) fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// As [`trusting`], by the setting `ca_file`.
pub(super) fn client_config(fields: &mut Fields<'_>) -> Option<Arc<ClientConfig>> {
    let ca_file = fields.text("ca_file");
    match trusting(ca_file.as_deref().map(Path::new)) {
        Ok(config) => Some(Arc::new(config)),
        Err((code, detail)) => {
            fields.fault("ca_file", code, detail);
            None
        }
    }
}

/// Trusts the public authorities, and those in `ca_file` for a campus with its own. What goes wrong has a code and words.
pub(crate) fn trusting(ca_file: Option<&Path>) -> Result<ClientConfig, (&'static str, String)> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        let mut read = || -> Result<usize, String> {
            let certificates = CertificateDer::pem_file_iter(path).map_err(|error| error.to_string())?;
            let mut count = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| error.to_string())?;
                roots.add(certificate).map_err(|error| error.to_string())?;
                count += 1;
            }
            Ok(count)
        };
        let path = path.display();
        match read() {
            Ok(0) => return Err(("no_certificate", format!("there is no certificate in {path}"))),
            Ok(_) => {}
            Err(reason) => return Err(("unreadable", format!("{path} cannot be used: {reason}"))),
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ("unsupported", error.to_string()))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
