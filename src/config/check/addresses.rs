//! Addresses that are listened on, and the one that people type.

use std::io;
use std::net::{SocketAddr, TcpListener};

use super::Findings;
use crate::config::settings::is_loopback;

impl Findings<'_> {
    pub(super) fn listen(&mut self, setting: &'static str, listen: SocketAddr) {
        match TcpListener::bind(listen) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => self.warn(
                setting,
                format!("something listens on {listen} already"),
                "if that is not a running belltower, choose another port",
            ),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.error(
                setting,
                format!("the system does not let this account listen on {listen}"),
                "choose a port from 1024 up and put a reverse proxy in front",
            ),
            Err(error) => self.error(
                setting,
                format!("cannot listen on {listen}: {error}"),
                "write an address of this machine, or 0.0.0.0 for all of them",
            ),
        }
    }

    pub(super) fn metrics(&mut self) {
        const SETTING: &str = "metrics.listen";
        let Some(listen) = self.config.metrics.listen else { return };
        if listen.port() != 0 && listen == self.config.server.listen {
            self.error(
                SETTING,
                "this is the address of server.listen",
                "choose another port, or leave it out",
            );
        } else {
            self.listen(SETTING, listen);
        }
    }

    pub(super) fn bounces(&mut self) {
        const SETTING: &str = "email.bounce_listen";
        let Some(listen) = self.config.email.bounce_listen else { return };
        let others = [Some(self.config.server.listen), self.config.metrics.listen];
        if listen.port() != 0 && others.contains(&Some(listen)) {
            self.error(
                SETTING,
                "something else listens on this address",
                "choose another port, or leave it out",
            );
        } else {
            self.listen(SETTING, listen);
        }
        if !listen.ip().is_loopback() {
            self.warn(
                SETTING,
                "mails are taken without encryption",
                "write an address of this machine itself where a mail relay runs on it",
            );
        }
    }

    pub(super) fn public_url(&mut self) {
        const SETTING: &str = "server.public_url";
        match &self.config.server.public_url {
            None if self.config.server.listen.ip().is_loopback() => {}
            None => self.warn(
                SETTING,
                "links in messages will point at the listening address",
                "write what people type into the browser, such as \"https://bell.example.edu\"",
            ),
            Some(url) if url.scheme() == "http" && !is_loopback(url) => self.warn(
                SETTING,
                "over http, passwords and sign-ins can be read on the way",
                "put a proxy with a certificate in front and write https://",
            ),
            Some(_) => {}
        }
    }

    pub(super) fn collector(&mut self) {
        let endpoint = self.config.traces.endpoint.as_ref();
        if endpoint.is_some_and(|url| url.scheme() == "http" && !is_loopback(url)) {
            self.warn(
                "traces.endpoint",
                "over http, what is told and a credential of OTEL_EXPORTER_OTLP_HEADERS can be read on the way",
                "write https://, or have a collector on this machine itself pass it on",
            );
        }
    }

    pub(super) fn trusted_proxies(&mut self) {
        let server = &self.config.server;
        let is_https = server.public_url.as_ref().is_some_and(|url| url.scheme() == "https");
        if is_https && server.trusted_proxies.is_empty() {
            self.warn(
                "server.trusted_proxies",
                "everybody comes from the proxy's address, so that sign-ins that fail slow everybody down",
                "write the address of the proxy that has the certificate",
            );
        }
    }
}
