//! `belltower serve`: the roles that the settings name, until a signal ends them.

use super::context::Context;
use super::output::print_line;
use crate::app::App;
use crate::clock::Clock;
use crate::config::NodeRole;
use crate::config::check::database_doubt;
use crate::lifecycle::Lifecycle;
use crate::service::operators;
use crate::telemetry;

pub(super) fn run(context: &Context) -> anyhow::Result<()> {
    let config = context.load()?;
    telemetry::init(&config.log)?;
    if let Some(doubt) = database_doubt(&config) {
        tracing::warn!(setting = "store.database", "{doubt}; see belltower check-config");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let lifecycle = Lifecycle::new();
        lifecycle.catch_signals()?;
        let app = App::build(&config, Clock::System).await?;
        let (address, metrics) = (app.address(), app.metrics_address());
        let bounces = app.bounce_address();
        let link = if config.server.has(NodeRole::Web) {
            operators::first_link(app.services()).await?
        } else {
            None
        };
        let running = app.start(&lifecycle).await?;
        print_line(&format!("listening on http://{address}"))?;
        if let Some(metrics) = metrics {
            print_line(&format!("metrics at http://{metrics}/metrics"))?;
        }
        if let Some(bounces) = bounces {
            print_line(&format!("mails that come back at smtp://{bounces}"))?;
        }
        if let Some(link) = link {
            print_line(&format!("nobody can sign in yet; make the first operator, once, at {link}"))?;
        }
        running.finish(&lifecycle).await?;
        Ok(())
    })
}
