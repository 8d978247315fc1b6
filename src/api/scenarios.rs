//! What is prepared for emergencies, to be started by its slug.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Result;
use crate::domain::emergency::{Language, Level, Placeholder, Spoken};
use crate::http::Key;
use crate::http::params::Params;
use crate::service::scenarios::{self, ScenarioRow};
use crate::service::{Campus, Services};

/// All of them; there are few.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenarioList {
    pub data: Vec<ScenarioBody>,
}

/// An emergency as it is prepared.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScenarioBody {
    #[schema(example = "fire")]
    pub slug: String,
    /// Two characters, unlike any other's.
    #[schema(example = "F1")]
    pub code: String,
    /// In the campus's language.
    #[schema(example = "火灾")]
    pub name: String,
    pub names: SpokenBody,
    #[schema(inline)]
    pub level: Level,
    /// What is chosen when it is started; each of them has to be.
    pub placeholders: Vec<PlaceholderBody>,
    /// Its review is overdue.
    pub review_due: bool,
    /// By which it is to be looked through again.
    pub review_on: jiff::civil::Date,
}

/// A list to choose from.
#[derive(Debug, Serialize, ToSchema)]
pub struct PlaceholderBody {
    #[schema(example = "place")]
    pub name: String,
    pub label: SpokenBody,
    /// In the campus's language; the same in the other is taken as well.
    #[schema(example = json!(["图书馆", "体育馆"]))]
    pub choices: Vec<String>,
    /// The choices in both languages, in the same order.
    pub names: Vec<SpokenBody>,
}

/// The same in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct SpokenBody {
    #[schema(example = "图书馆")]
    pub zh: String,
    #[schema(example = "Library")]
    pub en: String,
}

impl From<Spoken> for SpokenBody {
    fn from(it: Spoken) -> Self {
        Self { zh: it.zh, en: it.en }
    }
}

/// As the campus says it.
pub(super) fn own(spoken: &Spoken, campus: &Campus) -> String {
    spoken.of(Language::of_tag(campus.language.as_str())).to_owned()
}

fn placeholder(it: Placeholder, campus: &Campus) -> PlaceholderBody {
    PlaceholderBody {
        name: it.name,
        label: it.label.into(),
        choices: it.choices.iter().map(|choice| own(choice, campus)).collect(),
        names: it.choices.into_iter().map(SpokenBody::from).collect(),
    }
}

impl ScenarioBody {
    fn of(row: ScenarioRow, s: &Services) -> Self {
        let today = s.campus.zoned(s.clock.now()).date();
        let scenario = row.document.0;
        Self {
            slug: row.slug,
            review_due: scenario.review_is_due(today),
            review_on: scenario.review_on,
            code: scenario.code,
            name: own(&scenario.name, &s.campus),
            names: scenario.name.into(),
            level: scenario.level,
            placeholders: scenario.placeholders.into_iter().map(|it| placeholder(it, &s.campus)).collect(),
        }
    }
}

/// The scenarios that can be started: first those with a place among the console's tiles, then the gravest.
///
/// Needs the right `broadcast`.
#[utoipa::path(
    get, path = "/api/v1/scenarios", tag = "emergency",
    responses((status = 200, body = ScenarioList)),
)]
pub async fn list(request: HttpRequest, s: Data<Services>, key: Key) -> Result<Json<ScenarioList>> {
    Params::none(&request)?;
    let rows = scenarios::list(&s, key.caller()).await?;
    Ok(Json(ScenarioList { data: rows.into_iter().map(|row| ScenarioBody::of(row, &s)).collect() }))
}
