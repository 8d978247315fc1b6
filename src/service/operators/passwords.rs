//! Passwords: what makes a good one, and the slow hash that is kept of it.

use std::time::Duration;

use argon2::password_hash::Error as HashError;
use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use zxcvbn::{Score, zxcvbn};

use crate::error::Fault;
use crate::{Error, Result};

/// OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

const LONGEST: usize = 256;
const WEAKEST: Score = Score::Three;

/// Hashes at the same time: each takes 19 MiB and a core for some 20 ms.
const AT_ONCE: usize = 2;
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Hash of nobody's password, compared with where there is none, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Bounds how much of the machine hashing takes.
#[derive(Debug)]
pub(in crate::service) struct Passwords(Semaphore);

impl Default for Passwords {
    fn default() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

impl Passwords {
    /// A PHC string of the password with a salt of its own.
    pub(super) async fn hash(&self, password: String) -> Result<String> {
        self.run(move || {
            let hash: Result<PasswordHash, _> = hasher()?.hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string())
        })
        .await
    }

    /// Whether the hash is the password's. No hash is nobody's, after the same work.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool> {
        self.run(move || {
            let known = hash.is_some();
            let hash = PasswordHash::new(hash.as_deref().unwrap_or(NOBODY))?;
            match hasher()?.verify_password(password.as_bytes(), &hash) {
                Ok(()) => Ok(known),
                Err(HashError::PasswordInvalid) => Ok(false),
                Err(error) => Err(error),
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T> {
        let permit = tokio::time::timeout(LONGEST_WAIT, self.0.acquire())
            .await
            .map_err(|_| Error::unavailable("too many people are signing in"))?
            .map_err(Error::internal)?;
        let done = spawn_blocking(work).await.map_err(Error::internal)?;
        drop(permit);
        done.map_err(|error| Error::internal(error.to_string()))
    }
}

fn hasher() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError::ParamsInvalid)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// What is wrong with a password to be, at `/password`. `shortest` is what the administrators ask for, `known` what others
/// know of its owner: name, address.
pub(super) async fn fault(password: &str, shortest: u32, known: Vec<String>) -> Result<Option<Fault>> {
    let length = password.chars().count();
    if length < shortest as usize {
        return Ok(Some(Fault::new(
            "/password",
            "too_short",
            format!("at least {shortest} characters; a few unrelated words do well"),
        )));
    }
    if length > LONGEST {
        let detail = format!("at most {LONGEST} characters");
        return Ok(Some(Fault::new("/password", "too_long", detail)));
    }
    let password = password.to_owned();
    spawn_blocking(move || weakness(&password, &known)).await.map_err(Error::internal)
}

fn weakness(password: &str, known: &[String]) -> Option<Fault> {
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let estimate = zxcvbn(password, &known);
    if estimate.score() >= WEAKEST {
        return None;
    }
    let mut detail = String::from("this password is too easy to guess.");
    if let Some(feedback) = estimate.feedback() {
        let warning = feedback.warning().map(|warning| warning.to_string());
        let suggestions = feedback.suggestions().iter().map(ToString::to_string);
        for sentence in warning.into_iter().chain(suggestions) {
            detail.push(' ');
            detail.push_str(&sentence);
        }
    }
    Some(Fault::new("/password", "too_weak", detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_of_its_password_and_salted() {
        let passwords = Passwords::default();
        let hash = passwords.hash("正确 horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash("正确 horse battery".to_owned()).await.unwrap());
        assert!(passwords.verify("正确 horse battery".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("正确 horse batterY".to_owned(), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn no_hash_is_compared_with_all_the_same() {
        assert_eq!(PasswordHash::new(NOBODY).unwrap().params.to_string(), "m=19456,t=2,p=1");
        assert!(!Passwords::default().verify("anything at all".to_owned(), None).await.unwrap());
    }

    #[tokio::test]
    async fn weak_passwords_are_refused() {
        let judge = async |password: &str, known: &[&str]| {
            let known = known.iter().map(|text| (*text).to_owned()).collect();
            fault(password, 12, known).await.unwrap().map(|fault| fault.code.into_owned())
        };
        assert_eq!(judge("short", &[]).await.as_deref(), Some("too_short"));
        assert_eq!(judge(&"长".repeat(257), &[]).await.as_deref(), Some("too_long"));
        assert_eq!(judge("password1234", &[]).await.as_deref(), Some("too_weak"));
        assert_eq!(judge("qwertyuiop123", &[]).await.as_deref(), Some("too_weak"));
        assert_eq!(judge("wang.xiaoming1", &["wang.xiaoming"]).await.as_deref(), Some("too_weak"));
        assert_eq!(judge("gravel-tulip-oboe-sunday", &[]).await, None);
    }
}
