//! Commands: parse, call a service, print. Every one takes `--config` and `--json`; answers go to standard output, logs
//! and failures to standard error, and the exit code says how it went (see [`failure`]).

mod backup;
mod bench;
mod bounce;
mod broadcast;
mod check_config;
mod context;
mod demo;
mod failure;
mod health;
mod import;
mod input;
mod migrate;
mod openapi;
mod operator;
mod output;
mod policy;
mod provider;
mod provider_health;
mod purge;
mod receipts;
mod replies;
mod restore;
mod rule;
mod scenario;
mod serve;
mod simulate;
mod simulate_sign_in;
mod simulate_sms;
mod simulate_wechat;
mod source;
mod temp;
mod template;
mod verify;
mod version;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use self::context::Context;
pub use self::demo::{GatewayInbox, RelayMailbox, VendorMailboxes};

const AFTER_HELP: &str = "\
Settings come from belltower.toml (or --config FILE), then the environment: BELLTOWER_<SECTION>__<KEY>, such as
BELLTOWER_SERVER__LISTEN, and the short forms BELLTOWER_LISTEN, BELLTOWER_PUBLIC_URL, BELLTOWER_ROLES,
BELLTOWER_DATABASE, BELLTOWER_QUEUE, BELLTOWER_DATA, BELLTOWER_SECRET_KEY_FILE. docs/CONFIG.md explains all of them.

Exit codes: 0 done, 1 failed (with a line on standard error), 2 wrong usage, 75 try again; bounce has its own.";

/// Belltower (钟楼): one API in, email, SMS and WeChat out, every delivery accounted for.
#[derive(Parser)]
#[command(name = "belltower", version, after_help = AFTER_HELP, propagate_version = false)]
struct Cli {
    /// Settings file [default: belltower.toml, if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print one JSON document on standard output
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Copy the store to a file, beside a running server
    #[command(after_help = backup::AFTER_HELP)]
    Backup(backup::Backup),
    /// Measure how fast it is on this machine
    #[command(after_help = bench::AFTER_HELP)]
    Bench(bench::BenchArgs),
    /// Keep a mail that came back, for a mail relay to pipe in
    #[command(after_help = bounce::AFTER_HELP)]
    Bounce(bounce::Bounce),
    /// Start and end emergency broadcasts, when the browser is gone
    #[command(subcommand, after_help = broadcast::AFTER_HELP)]
    Broadcast(broadcast::Act),
    /// Look for mistakes in the settings and around them, and list what is in force
    CheckConfig,
    /// Try everything: a campus of 3,000 people, five systems and simulated vendors, in one process
    #[command(after_help = demo::AFTER_HELP)]
    Demo(demo::Demo),
    /// Ask the server on this machine whether it is ready
    #[command(after_help = health::AFTER_HELP)]
    Health(health::Health),
    /// Bring the directory in from a file
    #[command(subcommand)]
    Import(import::What),
    /// Bring the store's schema up to date, making the store if there is none
    Migrate,
    /// Print the description of the REST API (OpenAPI 3.1)
    Openapi,
    /// See to who may sign in to the console
    #[command(subcommand)]
    Operator(operator::Act),
    /// See to quiet hours, caps and the rest of what spares people
    #[command(subcommand)]
    Policy(policy::Act),
    /// See to the accounts behind the channels
    #[command(subcommand)]
    Provider(provider::Act),
    /// Remove at once what is kept no longer
    #[command(after_help = purge::AFTER_HELP)]
    Purge(purge::Purge),
    /// Put a backup in the store's place, with the server stopped
    #[command(after_help = restore::AFTER_HELP)]
    Restore(restore::Restore),
    /// See to the routing rules
    #[command(subcommand)]
    Rule(rule::Act),
    /// See what is prepared for emergencies
    #[command(subcommand)]
    Scenario(scenario::Act),
    /// Serve the API and the console and send what is due, until SIGTERM or SIGINT; a second one stops at once
    Serve,
    /// Run the simulators of vendors, for a server on this machine to send to
    #[command(after_help = format!(
        "{}\n\n{}\n\n{}",
        simulate::AFTER_HELP,
        simulate_wechat::AFTER_HELP,
        simulate_sign_in::AFTER_HELP
    ))]
    Simulate(Box<simulate::Simulate>),
    /// Let departmental systems in, and see to their keys
    #[command(subcommand)]
    Source(source::Act),
    /// See to stored texts, which systems name instead of writing their own
    #[command(subcommand)]
    Template(template::Act),
    /// Check that what is stored agrees with itself, and that nobody changed the audit log past this program
    Verify(verify::Verify),
    /// Print the version
    Version,
}

/// Runs the command line this process was started with.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to clap, and nothing can be done where they cannot be printed.
            error.print().unwrap_or_default();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    let context = Context::new(cli.config, cli.json);
    let done = match cli.command {
        Command::Backup(backup) => backup.run(&context),
        Command::Bench(bench) => bench.run(&context),
        Command::Bounce(bounce) => bounce.run(&context),
        Command::Broadcast(act) => broadcast::run(&context, act),
        Command::CheckConfig => check_config::run(&context),
        Command::Demo(demo) => demo.run(&context),
        Command::Health(health) => health.run(&context),
        Command::Import(what) => import::run(&context, what),
        Command::Migrate => migrate::run(&context),
        Command::Openapi => openapi::run(),
        Command::Operator(act) => operator::run(&context, act),
        Command::Policy(act) => policy::run(&context, act),
        Command::Provider(act) => provider::run(&context, act),
        Command::Purge(purge) => purge.run(&context),
        Command::Restore(restore) => restore.run(&context),
        Command::Rule(act) => rule::run(&context, act),
        Command::Scenario(act) => scenario::run(&context, &act),
        Command::Serve => serve::run(&context),
        Command::Simulate(simulate) => simulate.run(&context),
        Command::Source(act) => source::run(&context, act),
        Command::Template(act) => template::run(&context, act),
        Command::Verify(verify) => verify.run(&context),
        Command::Version => version::run(&context),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_tree_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_may_stand_behind_the_command() {
        let cli = Cli::try_parse_from(["belltower", "version", "--json", "--config", "x.toml"]).unwrap();
        assert!(cli.json && cli.config.is_some_and(|path| path.ends_with("x.toml")));
    }

    #[test]
    fn wrong_usage_is_two() {
        let Err(error) = Cli::try_parse_from(["belltower", "no-such-command"]) else { panic!("parsed") };
        assert_eq!(error.exit_code(), 2);
    }
}
