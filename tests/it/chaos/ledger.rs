//! The database as it is, looked at and ended past every way that is broken. While it is restarted it is waited for.

use std::collections::HashMap;
use std::time::Duration;

use belltower::domain::delivery::State;
use belltower::domain::message::{Category, Lane, Status};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::until;

/// A statement may wait for a row that a node holds that stands still.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct Ledger {
    url: String,
}

/// One delivery as it ended.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) state: State,
    /// How often it was claimed to be handed over.
    pub(super) attempts: i64,
    /// How often it was opened once more because no answer had come.
    pub(super) repeats: i64,
    /// An attempt says that it repeats one that a crash cut off, or that no answer came.
    pub(super) is_told: bool,
}

fn open() -> String {
    format!(
        "SELECT (SELECT count(*) FROM delivery WHERE state IN ({}, {}))
            + (SELECT count(*) FROM message WHERE status <> {})",
        State::Pending.code(),
        State::Sending.code(),
        Status::Completed.code(),
    )
}

impl Ledger {
    pub(super) fn of(url: &str) -> Self {
        Self { url: url.to_owned() }
    }

    /// One number that a statement comes to.
    async fn number(&self, text: &str) -> i64 {
        until(text, async || tokio::time::timeout(PATIENCE, self.ask(text)).await.ok()?).await
    }

    async fn ask(&self, text: &str) -> Option<i64> {
        let mut connection = PgConnection::connect(&self.url).await.ok()?;
        let number = sqlx::query_scalar(AssertSqlSafe(text.to_owned())).fetch_one(&mut connection).await.ok();
        connection.close().await.ok();
        number
    }

    /// Takes a step of the schema in one transaction, again where somebody held a table for too long.
    pub(super) async fn take_step(&self, text: &str) {
        until("a step of the schema is taken", async || {
            let mut connection = PgConnection::connect(&self.url).await.ok()?;
            let mut transaction = connection.begin().await.ok()?;
            sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(&mut *transaction).await.ok()?;
            transaction.commit().await.ok()
        })
        .await;
    }

    /// Deliveries that somebody has in hand.
    pub(super) async fn in_hand(&self) -> u64 {
        let text = format!("SELECT count(*) FROM delivery WHERE state = {}", State::Sending.code());
        self.number(&text).await as u64
    }

    /// Messages that are not planned, and deliveries that wait or are in hand.
    pub(super) async fn open(&self) -> i64 {
        self.number(&open()).await
    }

    /// As [`open`](Self::open), and deliveries that are to be handed over once more because no answer came.
    pub(super) async fn open_or_repeated(&self) -> i64 {
        let text = format!("{} + (SELECT count(*) FROM delivery WHERE repeat_at IS NOT NULL)", open());
        self.number(&text).await
    }

    /// As if the time had come of each delivery that is to be handed over once more because no answer came.
    pub(super) async fn repeat_soon(&self) {
        self.number(
            "WITH due AS MATERIALIZED (SELECT id FROM delivery WHERE repeat_at > 0 ORDER BY id FOR UPDATE),
                soon AS (UPDATE delivery SET repeat_at = 0 WHERE id IN (SELECT id FROM due) RETURNING 1)
             SELECT count(*) FROM soon",
        )
        .await;
    }

    /// Emergencies, and those of their deliveries that stand in the lane of emergencies.
    pub(super) async fn emergencies(&self) -> (i64, i64) {
        let messages =
            format!("SELECT count(*) FROM message WHERE category = {}", Category::Emergency.code());
        let deliveries = format!("SELECT count(*) FROM delivery WHERE lane = {}", Lane::Emergency.code());
        (self.number(&messages).await, self.number(&deliveries).await)
    }

    /// How often rows of deliveries and messages were written, as far as anybody can see: the same twice, and nothing moved.
    pub(super) async fn movement(&self) -> i64 {
        self.number(
            "SELECT CAST((SELECT COALESCE(sum(CAST(xmin AS text)::bigint), 0) FROM delivery WHERE state < 2)
                + (SELECT count(*) FROM delivery) * 1000003 + (SELECT count(*) FROM attempt) AS bigint)",
        )
        .await
    }

    /// As if every lease of this moment had run out. Whoever holds one must be gone, or stand still.
    pub(super) async fn run_out(&self) {
        self.number(
            "WITH sending AS (UPDATE delivery SET lease_until = 0 WHERE state = 1 RETURNING 1),
                planning AS (UPDATE message SET lease_until = 0 WHERE status = 2 RETURNING 1)
             SELECT (SELECT count(*) FROM sending) + (SELECT count(*) FROM planning)",
        )
        .await;
    }

    /// Ends every connection but this one, whatever they are in the midst of.
    pub(super) async fn terminate(&self) {
        self.number(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .await;
    }

    /// Every delivery by its address.
    pub(super) async fn entries(&self) -> HashMap<String, Vec<Entry>> {
        let text = "SELECT address, state, attempts, repeats, EXISTS (SELECT 1 FROM attempt
                WHERE delivery_id = id AND (repeated OR outcome = 'unknown')) AS is_told FROM delivery";
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let mut entries: HashMap<String, Vec<Entry>> = HashMap::new();
        for row in sqlx::query(text).fetch_all(&mut connection).await.unwrap() {
            let entry = Entry {
                state: State::from_code(row.get("state")).unwrap(),
                attempts: row.get("attempts"),
                repeats: row.get("repeats"),
                is_told: row.get("is_told"),
            };
            entries.entry(row.get("address")).or_default().push(entry);
        }
        entries
    }
}
