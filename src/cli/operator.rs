//! `belltower operator`: who may sign in to the console.

use std::collections::BTreeSet;
use std::io::Read as _;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::output::{List, table};
use crate::domain::grant::Grant;
use crate::domain::id::OperatorId;
use crate::service::operators::{self, Held, NewOperator, Operator, OperatorCreated};
use crate::service::{Caller, Services};

#[derive(Subcommand)]
pub(super) enum Act {
    /// Let somebody in; without a password, a one-time link to choose one is printed
    Create(Create),
    /// Take a password away, end its sessions, and print a one-time link to choose another
    ResetPassword {
        /// The operator's email address or id
        #[arg(value_name = "EMAIL")]
        operator: String,
    },
    /// Take a second factor away whose telephone is lost, and end its operator's sessions
    ResetFactor {
        /// The operator's email address or id
        #[arg(value_name = "EMAIL")]
        operator: String,
    },
    /// List who may sign in
    List,
}

#[derive(Args)]
pub(super) struct Create {
    /// What they sign in with
    #[arg(long, value_name = "E")]
    email: String,
    #[arg(long, value_name = "N")]
    name: String,
    #[arg(
        long,
        value_name = "ROLE",
        help = "What they may do: owner, message_manager, sender, reviewer, duty_officer, auditor, or the name of a \
                role made in the console"
    )]
    role: String,
    /// Read the password from standard input, up to the end of its first line
    #[arg(long)]
    password_stdin: bool,
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Create(create) => create.run(context),
        Act::ResetPassword { operator } => reset_password(context, &operator),
        Act::ResetFactor { operator } => reset_factor(context, &operator),
        Act::List => list(context),
    }
}

impl Create {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let password = if self.password_stdin { Some(read_password()?) } else { None };
        let caller = Caller::Command("operator create");
        let act = async |s: &Services| {
            let role = operators::role_named(s, &caller, &self.role).await?;
            let grants = vec![Grant { role, departments: BTreeSet::new() }];
            let new = NewOperator { email: self.email, name: self.name, grants, password };
            Ok(operators::create(s, &caller, new).await?.done()?)
        };
        let created = context.with_services(act)?;
        context.output.print(&created, |OperatorCreated { operator_id, link }| match link {
            Some(link) => format!("operator {operator_id}\nlink     {link}\n\nThe link works once."),
            None => format!("operator {operator_id}"),
        })
    }
}

fn read_password() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).context("reading the password from standard input")?;
    let password = text.lines().next().unwrap_or_default();
    anyhow::ensure!(!password.is_empty(), "there is no password on standard input");
    Ok(password.to_owned())
}

#[derive(Serialize)]
struct Reset {
    operator_id: OperatorId,
    link: String,
}

fn reset_password(context: &Context, operator: &str) -> anyhow::Result<()> {
    let caller = Caller::Command("operator reset-password");
    let act = async |s: &Services| {
        let operator = operators::get_named(s, &caller, operator).await?;
        let link = operators::reset_password(s, &caller, operator.id).await?.done()?;
        Ok(Reset { operator_id: operator.id, link })
    };
    let reset = context.with_services(act)?;
    context.output.print(&reset, |reset| {
        format!("operator {}\nlink     {}\n\nThe link works once.", reset.operator_id, reset.link)
    })
}

#[derive(Serialize)]
struct FactorReset {
    operator_id: OperatorId,
    /// False where there was none.
    removed: bool,
}

fn reset_factor(context: &Context, operator: &str) -> anyhow::Result<()> {
    let caller = Caller::Command("operator reset-factor");
    let act = async |s: &Services| {
        let operator_id = operators::get_named(s, &caller, operator).await?.id;
        Ok(FactorReset {
            operator_id,
            removed: operators::reset_factor(s, &caller, operator_id).await?.done()?,
        })
    };
    let reset = context.with_services(act)?;
    context.output.print(&reset, |FactorReset { operator_id, removed }| match removed {
        true => format!("operator {operator_id}\n\nThe password alone signs them in now."),
        false => format!("operator {operator_id} has no second factor"),
    })
}

#[derive(Serialize)]
struct Line {
    id: OperatorId,
    email: String,
    name: String,
    /// The roles they hold, with commas between.
    role: String,
    grants: Vec<Held>,
    enabled: bool,
    /// False while a one-time link waits to be followed.
    has_password: bool,
    created_at: String,
    last_seen_at: Option<String>,
}

impl From<Operator> for Line {
    fn from(operator: Operator) -> Self {
        Self {
            id: operator.id,
            email: operator.email,
            name: operator.name,
            role: operator.grants.iter().map(Held::name).collect::<Vec<_>>().join(", "),
            grants: operator.grants,
            enabled: operator.disabled_at.is_none(),
            has_password: operator.has_password,
            created_at: operator.created_at.to_string(),
            last_seen_at: operator.last_seen_at.map(|at| at.to_string()),
        }
    }
}

/// A role and where it is held.
fn described(held: &Held) -> String {
    let departments: Vec<_> = held.grant.departments.iter().map(String::as_str).collect();
    match departments.as_slice() {
        [] => held.name(),
        some => format!("{} ({})", held.name(), some.join(", ")),
    }
}

impl Line {
    fn row(&self) -> Vec<String> {
        let state = match (self.enabled, self.has_password) {
            (false, _) => "disabled",
            (true, false) => "invited",
            (true, true) => "enabled",
        };
        vec![
            self.id.to_string(),
            self.email.clone(),
            self.name.clone(),
            self.grants.iter().map(described).collect::<Vec<_>>().join(", "),
            state.to_owned(),
            self.last_seen_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    }
}

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("operator list");
    let operators = context.with_services(async |s| Ok(operators::list(s, &caller).await?))?;
    let data = operators.into_iter().map(Line::from).collect();
    context.output.print(&List { data }, |List { data }| {
        let head = ["id", "email", "name", "role", "state", "last seen"];
        table(&head, &data.iter().map(Line::row).collect::<Vec<_>>())
    })
}
