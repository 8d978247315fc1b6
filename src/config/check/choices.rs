//! What the installation works with, and choices that do not go together: roles, the database, a broker, the university's
//! own sign-in.

use super::files::{is_within, parent};
use super::{Findings, database_doubt};
use crate::config::{DatabaseUrl, NodeRole, QueueUrl};

impl Findings<'_> {
    pub(super) fn roles(&mut self) {
        if !self.config.server.has(NodeRole::Dispatch) {
            self.warn(
                "server.roles",
                "this process accepts messages and sends none",
                "run another one with the role dispatch on the same store, or add it here",
            );
        }
    }

    pub(super) fn intake(&mut self) {
        const SETTING: &str = "intake.amqp";
        if !self.config.intake.amqp {
            return;
        }
        if self.config.queue.url == QueueUrl::Local {
            self.error(
                SETTING,
                "queue.url is local: there is no broker to take messages from",
                "name a RabbitMQ in queue.url, or leave this out",
            );
        } else if !self.config.server.has(NodeRole::Web) {
            self.warn(
                SETTING,
                "this process has not the role web, so it takes nothing",
                "set it where that role runs",
            );
        }
    }

    pub(super) fn database(&mut self) {
        const SETTING: &str = "store.database";
        match &self.config.store.database {
            DatabaseUrl::Sqlite(path) => {
                let directory = parent(path);
                if !directory.is_dir() && !is_within(&self.config.data.directory, &directory) {
                    let what = format!("the directory {} is not there", directory.display());
                    self.error(SETTING, what, "make it, or leave the setting out");
                }
            }
            DatabaseUrl::Postgres(url) => {
                if url.password().is_some() {
                    self.readable(SETTING, "the password", "the URL in BELLTOWER_DATABASE");
                }
                if let Some(doubt) = database_doubt(self.config) {
                    self.warn(
                        SETTING,
                        doubt,
                        "add ?sslmode=verify-full, and &sslrootcert=FILE for an authority of your own",
                    );
                }
            }
        }
    }

    pub(super) fn queue(&mut self) {
        const SETTING: &str = "queue.url";
        let QueueUrl::Broker(broker) = &self.config.queue.url else { return };
        if broker.has_password() {
            self.readable(SETTING, "the password", "the URL in BELLTOWER_QUEUE");
        }
        if let Some(file) = &broker.ca_file {
            self.certificates(SETTING, file);
        }
        if !broker.tls && !broker.is_on_this_machine() {
            self.warn(
                SETTING,
                "by amqp:// the password can be read on the way",
                "write amqps://, unless the way to the broker is your own",
            );
        }
        // One that messages are taken from is needed.
        if matches!(self.config.store.database, DatabaseUrl::Sqlite(_)) && !self.config.intake.amqp {
            self.warn(
                SETTING,
                "a broker wakes other processes, and a SQLite store has one process only",
                "leave the setting out unless sources subscribe with queues there, or use PostgreSQL",
            );
        }
    }

    pub(super) fn campus_sign_in(&mut self) {
        const URL: &str = "campus_sign_in.url";
        const CA_FILE: &str = "campus_sign_in.ca_file";
        let Some(sign_in) = &self.config.campus_sign_in else { return };
        if sign_in.client_secret.is_some() {
            const SETTING: &str = "campus_sign_in.client_secret";
            self.readable(SETTING, "the secret", "it in BELLTOWER_CAMPUS_SIGN_IN__CLIENT_SECRET");
        }
        if let Some(file) = &sign_in.ca_file {
            self.certificates(CA_FILE, file);
        }
        if self.config.server.public_url.is_none() {
            self.warn(
                URL,
                "the sign-in leads people back to server.public_url, which is not set",
                "set it to what people type into the browser",
            );
        }
    }
}
