//! How a column becomes one of our types, the same on both databases.

use serde::de::DeserializeOwned;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::types::Json;
use sqlx::{Row, ValueRef};

use crate::clock::Timestamp;
use crate::domain::alarm::{AlarmKind, Severity};
use crate::domain::answer::Via;
use crate::domain::button::{ButtonState, Led, Power, Signal};
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::State;
use crate::domain::emergency::{self, Act, Condition, HandKind, Level, Overridden, Part, Run};
use crate::domain::group::GroupKind;
use crate::domain::id;
use crate::domain::message::{Category, Lane, Rank, Status};
use crate::domain::operator::Role;
use crate::domain::registration::RegistrationState;
use crate::domain::subscription::{EndpointKind, Handed, Standing, WhyDisabled};
use crate::domain::suppression::Cause;

/// Reads one value of a row by its column's name.
pub trait FromColumn<R>: Sized {
    fn read(row: &R, name: &str) -> Result<Self, sqlx::Error>;
}

macro_rules! native {
    ($($type:ty),+) => {$(
        impl FromColumn<SqliteRow> for $type {
            fn read(row: &SqliteRow, name: &str) -> Result<Self, sqlx::Error> {
                row.try_get(name)
            }
        }
        impl FromColumn<PgRow> for $type {
            fn read(row: &PgRow, name: &str) -> Result<Self, sqlx::Error> {
                row.try_get(name)
            }
        }
    )+};
}
native!(i64, f64, bool, String, Vec<u8>);

macro_rules! wrapped {
    ($($type:path),+ $(,)?) => {$(
        impl<R> FromColumn<R> for $type where i64: FromColumn<R> {
            fn read(row: &R, name: &str) -> Result<Self, sqlx::Error> {
                i64::read(row, name).map($type)
            }
        }
    )+};
}
wrapped!(
    Timestamp,
    id::SourceId,
    id::KeyId,
    id::RecipientId,
    id::GroupId,
    id::MessageId,
    id::DeliveryId,
    id::ProviderId,
    id::OperatorId,
    id::ReceiptId,
    id::SuppressionId,
    id::DraftId,
    id::ImportId,
    id::AlarmId,
    id::RoleId,
    id::RightsRequestId,
    id::RegistrationId,
    id::ScenarioId,
    id::ScenarioChangeId,
    id::BroadcastId,
    id::ButtonId,
    id::ButtonKeyId,
    id::ButtonPressId,
    id::SubscriptionId,
    id::EventId,
    id::HandingId,
);

macro_rules! coded {
    ($($type:ty),+ $(,)?) => {$(
        impl<R> FromColumn<R> for $type where i64: FromColumn<R> {
            fn read(row: &R, name: &str) -> Result<Self, sqlx::Error> {
                let code = i64::read(row, name)?;
                <$type>::from_code(code).ok_or_else(|| decode_error(name, format!("unknown code {code}")))
            }
        }
    )+};
}
coded!(
    ChannelKind,
    AddressKind,
    Outlet,
    State,
    GroupKind,
    Category,
    Rank,
    Status,
    Cause,
    Via,
    AlarmKind,
    Severity,
    Act,
    HandKind,
    Level,
    Part,
    Run,
    Overridden,
    Condition,
    emergency::State,
    ButtonState,
    Led,
    Power,
    Signal,
    RegistrationState,
    EndpointKind,
    Standing,
    WhyDisabled,
    Handed,
);

/// The lane of a rank, of which a later version may have written one that is not known here.
impl<R> FromColumn<R> for Lane
where
    i64: FromColumn<R>,
{
    fn read(row: &R, name: &str) -> Result<Self, sqlx::Error> {
        i64::read(row, name).map(Lane::of_rank)
    }
}

/// Kept as its word.
impl<R> FromColumn<R> for Role
where
    String: FromColumn<R>,
{
    fn read(row: &R, name: &str) -> Result<Self, sqlx::Error> {
        String::read(row, name)?.parse().map_err(|why: String| decode_error(name, why))
    }
}

macro_rules! optional {
    ($($row:ty),+) => {$(
        impl<T: FromColumn<$row>> FromColumn<$row> for Option<T> {
            fn read(row: &$row, name: &str) -> Result<Self, sqlx::Error> {
                if row.try_get_raw(name)?.is_null() { Ok(None) } else { T::read(row, name).map(Some) }
            }
        }

        /// JSONB on PostgreSQL, text on SQLite.
        impl<T: DeserializeOwned> FromColumn<$row> for Json<T>
        {
            fn read(row: &$row, name: &str) -> Result<Self, sqlx::Error> {
                let raw: Json<serde_json::Value> = row.try_get(name)?;
                serde_json::from_value(raw.0).map(Json).map_err(|e| decode_error(name, e))
            }
        }
    )+};
}
optional!(SqliteRow, PgRow);

/// JSON kept in a text column on both databases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonText<T>(pub T);

impl<R, T: DeserializeOwned> FromColumn<R> for JsonText<T>
where
    String: FromColumn<R>,
{
    fn read(row: &R, name: &str) -> Result<Self, sqlx::Error> {
        let text = String::read(row, name)?;
        serde_json::from_str(&text).map(Self).map_err(|e| decode_error(name, e))
    }
}

fn decode_error(name: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: name.to_owned(), source: source.into() }
}
