//! `belltower openapi`: the document that a server gives at `/openapi.json`, without a server.

use super::output::print_line;
use crate::app;

pub(super) fn run() -> anyhow::Result<()> {
    print_line(&app::openapi()?)
}
