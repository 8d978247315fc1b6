//! Sessions of browsers: the cookie holds a signed key and nothing else; what the key opens is in the store.

use actix_session::SessionMiddleware;
use actix_session::config::{BrowserSession, CookieContentSecurity, TtlExtensionPolicy};
use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use actix_web::cookie::{Cookie, Key, SameSite, time};

use crate::service::Services;
use crate::service::sessions::{self, State};

/// Loads the session of a request and keeps what was changed in it. A request without a session costs nothing, and
/// begins none unless something is put into it.
pub fn middleware(s: &Services) -> SessionMiddleware<Sessions> {
    // How long they live is for the use case to say.
    let lifecycle = BrowserSession::default().state_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
    SessionMiddleware::builder(Sessions(s.clone()), signing_key(s))
        .cookie_name(cookie_name(s, "session"))
        .cookie_secure(is_https(s))
        .cookie_http_only(true)
        .cookie_same_site(SameSite::Lax)
        .cookie_path("/".to_owned())
        .cookie_content_security(CookieContentSecurity::Signed)
        .session_lifecycle(lifecycle)
        .build()
}

/// A cookie of ours for as long as the browser runs, which no script reads and no other site sends along. `purpose` is
/// part of its name.
pub fn cookie(s: &Services, purpose: &str, value: String) -> Cookie<'static> {
    Cookie::build(cookie_name(s, purpose), value)
        .path("/")
        .secure(is_https(s))
        .http_only(true)
        .same_site(SameSite::Lax)
        .finish()
}

/// Over TLS browsers see to it that a cookie of this name is of this very host (RFC 6265bis §4.1.3.2).
pub fn cookie_name(s: &Services, purpose: &str) -> String {
    format!("{}bt_{purpose}", if is_https(s) { "__Host-" } else { "" })
}

fn is_https(s: &Services) -> bool {
    s.campus.public_url.scheme() == "https"
}

fn signing_key(s: &Services) -> Key {
    let half = |name: &[u8]| s.vault.fingerprint("session-cookie", name);
    Key::from(&[half(b"1"), half(b"2")].concat())
}

/// The sessions in the store, as the middleware wants them.
pub struct Sessions(Services);

impl SessionStore for Sessions {
    async fn load(&self, key: &SessionKey) -> Result<Option<State>, LoadError> {
        sessions::load(&self.0, key.as_ref()).await.map_err(|error| LoadError::Other(error.into()))
    }

    async fn save(&self, state: State, _: &time::Duration) -> Result<SessionKey, SaveError> {
        let key = sessions::save(&self.0, &state).await.map_err(|error| SaveError::Other(error.into()))?;
        SessionKey::try_from(key).map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: State,
        _: &time::Duration,
    ) -> Result<SessionKey, UpdateError> {
        match sessions::update(&self.0, key.as_ref(), &state).await {
            Ok(()) => Ok(key),
            Err(error) => Err(UpdateError::Other(error.into())),
        }
    }

    async fn update_ttl(&self, key: &SessionKey, _: &time::Duration) -> Result<(), anyhow::Error> {
        Ok(sessions::touch(&self.0, key.as_ref()).await?)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        Ok(sessions::delete(&self.0, key.as_ref()).await?)
    }
}
