//! How the campus is called and shown, as the administrators set it. Pages and mails ask for it at every turn, so each
//! process holds it, and reads it anew whenever it says that it is there.

use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Caller, Services, change};
use crate::domain::letterhead::{Letterhead, LogoName};
use crate::domain::logo;
use crate::domain::operator::Permission;
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "campus";
const LOGO: &str = "logo";

/// What a process holds.
#[derive(Debug, Default)]
pub struct Shown {
    pub head: Arc<Letterhead>,
    /// The picture that it names.
    pub logo: Vec<u8>,
}

#[derive(Debug, Default)]
pub struct Latest(RwLock<Arc<Shown>>);

impl Latest {
    fn now(&self) -> Arc<Shown> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, shown: Shown) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(shown);
    }
}

/// A picture as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct KeptLogo {
    print: String,
    /// Base64.
    data: String,
}

/// What becomes of the logo.
#[derive(Debug)]
pub enum LogoChange {
    Keep,
    Remove,
    New(Vec<u8>),
}

/// As this process has it.
pub fn now(s: &Services) -> Arc<Shown> {
    s.letterhead.now()
}

/// The campus's name for whoever reads that language.
pub fn name(s: &Services, language: &str) -> String {
    now(s).head.name(language).unwrap_or(&s.campus.name).to_owned()
}

/// Reads it anew, as another process may have changed it.
pub(super) async fn refresh(s: &Services) -> Result<()> {
    let head = read(settings::find(&s.db, NAME).await?)?;
    let held = now(s);
    let logo = match &head.logo {
        None => Vec::new(),
        Some(logo) if held.head.logo.as_ref() == Some(logo) => held.logo.clone(),
        // One that was changed since is read in full with the next turn.
        Some(logo) => match picture(settings::find(&s.db, LOGO).await?)? {
            Some((print, bytes)) if print == logo.print => bytes,
            _ => return Ok(()),
        },
    };
    s.letterhead.set(Shown { head: Arc::new(head), logo });
    Ok(())
}

fn read(kept: Option<String>) -> Result<Letterhead> {
    let kept = kept.filter(|kept| !kept.is_empty());
    kept.map_or(Ok(Letterhead::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

fn picture(kept: Option<String>) -> Result<Option<(String, Vec<u8>)>> {
    let Some(kept) = kept.filter(|kept| !kept.is_empty()) else { return Ok(None) };
    let kept: KeptLogo = serde_json::from_str(&kept).map_err(Error::internal)?;
    Ok(Some((kept.print, STANDARD.decode(kept.data).map_err(Error::internal)?)))
}

pub async fn show(s: &Services, caller: &Caller) -> Result<Letterhead> {
    caller.require(Permission::SettingsView)?;
    read(settings::find(&s.db, NAME).await?)
}

/// Sets it from `{name_zh?, name_en?, short_name?, contact?}` and a logo; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`] with every fault, the logo's at `/logo`; [`Error::Conflict`] where it is not any more what was
/// `seen`: a [`Letterhead::word`].
pub async fn change(
    s: &Services,
    caller: &Caller,
    seen: &str,
    document: &Value,
    logo: LogoChange,
) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let mut faults = Vec::new();
    let new_logo = match &logo {
        LogoChange::New(bytes) => match logo::read(bytes) {
            Ok(kind) => Some(LogoName { kind, print: print(bytes) }),
            Err(why) => {
                faults.push(crate::error::Fault::new("/logo", why.code(), "this picture is not taken"));
                None
            }
        },
        LogoChange::Keep | LogoChange::Remove => None,
    };
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    let mut after = match before.changed(document) {
        Ok(after) => after,
        Err(Error::Invalid(found)) => {
            faults.extend(found);
            Letterhead::default()
        }
        Err(other) => return Err(other),
    };
    if !faults.is_empty() {
        return Err(Error::Invalid(faults));
    }
    match (&logo, new_logo) {
        (LogoChange::Remove, _) => after.logo = None,
        (_, Some(new)) => after.logo = Some(new),
        (_, None) => {}
    }
    if before == after {
        return Ok(false);
    }
    if before.word() != seen {
        return Err(Error::conflict("changed_meanwhile", "somebody else changed these settings meanwhile"));
    }
    if before.logo != after.logo {
        let kept = match (&logo, &after.logo) {
            (LogoChange::New(bytes), Some(name)) => {
                let kept = KeptLogo { print: name.print.clone(), data: STANDARD.encode(bytes) };
                serde_json::to_string(&kept).map_err(Error::internal)?
            }
            _ => String::new(),
        };
        settings::lock(&mut tx, LOGO).await?;
        settings::set(&mut tx, LOGO, &kept).await?;
    }
    settings::set(&mut tx, NAME, &after.word()).await?;
    let changed = change::between(&json!(before), &json!(after));
    audit::append(&mut tx, s.clock.now(), &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    refresh(s).await?;
    Ok(true)
}

fn print(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
