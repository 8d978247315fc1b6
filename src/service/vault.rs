//! The installation's one secret key, and what is done with it: sealing provider credentials and second factors at
//! rest, and fingerprinting API keys and session ids so that a stolen database opens nothing.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::error::{Error, Result};

/// First byte of everything sealed: tells later versions which scheme to open it with. Also authenticated.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const KEY_BYTES: usize = 32;

/// Why the key file cannot be used. Each names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    #[error("secrets.key_file {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "secrets.key_file {path} can be read by others (mode {mode:04o}); make it private with: chmod 600 {path}"
    )]
    Exposed { path: PathBuf, mode: u32 },
    #[error(
        "secrets.key_file {path} does not hold a key: 32 bytes in base64 are expected. Put the original file back; \
         with another key, stored provider credentials and API keys no longer work"
    )]
    NotAKey { path: PathBuf },
}

impl From<KeyFileError> for Error {
    fn from(error: KeyFileError) -> Self {
        Self::internal(error)
    }
}

/// Sealed data that does not open.
#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error("sealed data of an unknown version: a newer belltower wrote it")]
    Version,
    #[error(
        "sealed data does not open: it was altered, or secrets.key_file is not the one it was sealed with"
    )]
    Broken,
}

/// Holds keys derived from the installation's key; the key itself is not kept. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    inner: Arc<Inner>,
}

struct Inner {
    cipher: Aes256Gcm,
    fingerprints: Hmac<Sha256>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// Reads the key file, or makes one (mode 0600, its directory 0700) where there is none yet. Two processes
    /// starting at once end up with the same key.
    pub fn open(key_file: &Path) -> Result<Self, KeyFileError> {
        let failed = |source| KeyFileError::Io { path: key_file.to_owned(), source };
        if !key_file.try_exists().map_err(failed)? {
            make_key_file(key_file).map_err(failed)?;
        }
        let mode = fs::metadata(key_file).map_err(failed)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(KeyFileError::Exposed { path: key_file.to_owned(), mode });
        }
        let text = fs::read(key_file).map_err(failed)?;
        STANDARD
            .decode(text.trim_ascii())
            .ok()
            .and_then(|bytes| <[u8; KEY_BYTES]>::try_from(bytes).ok())
            .map(Self::from_key)
            .ok_or_else(|| KeyFileError::NotAKey { path: key_file.to_owned() })
    }

    /// A vault on a key given by hand, as tests do.
    pub fn from_key(key: [u8; KEY_BYTES]) -> Self {
        let cipher = Aes256Gcm::new(&derive(&key, b"belltower seal 1").into());
        let fingerprints = keyed(&derive(&key, b"belltower fingerprint 1"));
        Self { inner: Arc::new(Inner { cipher, fingerprints }) }
    }

    /// Encrypts with AES-256-GCM: version byte, 12-byte random nonce, ciphertext with its 16-byte tag.
    pub fn seal(&self, plaintext: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: plaintext, aad: &[VERSION] };
        let ciphertext =
            self.inner.cipher.encrypt(&nonce.into(), payload).expect("nothing sealed is near GCM's 64 GiB");
        let mut sealed = Vec::with_capacity(1 + NONCE_BYTES + ciphertext.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&ciphertext);
        sealed
    }

    /// The plaintext of what [`Vault::seal`] made; [`Error::Internal`] where it was altered or sealed by another key.
    pub fn open_sealed(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        let (&version, rest) = sealed.split_first().ok_or_else(|| Error::internal(SealError::Broken))?;
        if version != VERSION {
            return Err(Error::internal(SealError::Version));
        }
        let (nonce, msg) =
            rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| Error::internal(SealError::Broken))?;
        self.inner
            .cipher
            .decrypt(&(*nonce).into(), Payload { msg, aad: &[VERSION] })
            .map_err(|_| Error::internal(SealError::Broken))
    }

    /// A keyed hash (HMAC-SHA256) to store and look up random secrets by: API keys, session ids, one-time links. Fast on
    /// purpose, because what it hashes is too random to guess; passwords need argon2 instead. The same data under another
    /// `purpose` hashes differently.
    pub fn fingerprint(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let mut mac = self.inner.fingerprints.clone();
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(data);
        mac.finalize().into_bytes().into()
    }

    /// `bytes` random bytes as unpadded URL-safe base64 (4 characters for 3 bytes): 32 for a key or session id.
    pub fn token(&self, bytes: usize) -> String {
        token(bytes)
    }
}

/// See [`Vault::token`].
pub fn token(bytes: usize) -> String {
    let mut raw = vec![0; bytes];
    rand::Rng::fill_bytes(&mut rand::rng(), &mut raw);
    URL_SAFE_NO_PAD.encode(raw)
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn derive(key: &[u8], label: &[u8]) -> [u8; 32] {
    let mut mac = keyed(key);
    mac.update(label);
    mac.finalize().into_bytes().into()
}

/// Writes a whole file beside it first and links it into place, so that nobody ever reads half a key and the first of
/// two starting processes wins.
fn make_key_file(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let draft = directory.join(format!(".secret.key.{}", token(9)));
    let made = write_key(&draft).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft).or_else(|error| match error.kind() {
        io::ErrorKind::NotFound => Ok(()),
        _ => Err(error),
    })?;
    made?;
    File::open(directory)?.sync_all()
}

fn write_key(path: &Path) -> io::Result<()> {
    let key: [u8; KEY_BYTES] = rand::random();
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{}", STANDARD.encode(key))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn scratch() -> PathBuf {
        std::env::temp_dir().join(format!("belltower-vault-{}", token(9)))
    }

    #[test]
    fn seals_and_opens() {
        let vault = Vault::from_key([7; 32]);
        let sealed = vault.seal("应用密钥".as_bytes());
        assert_eq!(vault.open_sealed(&sealed).unwrap(), "应用密钥".as_bytes());
        assert_ne!(sealed, vault.seal("应用密钥".as_bytes()), "the nonce is random");
    }

    #[test]
    fn refuses_what_was_altered_or_belongs_to_another_key() {
        let vault = Vault::from_key([7; 32]);
        let sealed = vault.seal(b"secret");
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(vault.open_sealed(&altered).is_err(), "byte {at} altered");
            assert!(vault.open_sealed(&sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(Vault::from_key([8; 32]).open_sealed(&sealed).is_err());
    }

    #[test]
    fn fingerprints_differ_by_purpose_and_key_and_stay_the_same() {
        let vault = Vault::from_key([7; 32]);
        let print = vault.fingerprint("api_key", b"abc");
        assert_eq!(print, vault.fingerprint("api_key", b"abc"));
        assert_ne!(print, vault.fingerprint("session", b"abc"));
        assert_ne!(vault.fingerprint("api_keya", b"bc"), vault.fingerprint("api_key", b"abc"));
        assert_ne!(print, Vault::from_key([8; 32]).fingerprint("api_key", b"abc"));
    }

    #[test]
    fn makes_a_private_key_file_once() {
        let directory = scratch().join("data");
        let file = directory.join("secret.key");
        let first = Vault::open(&file).unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&directory).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1, "no draft is left behind");
        let again = Vault::open(&file).unwrap();
        assert_eq!(again.open_sealed(&first.seal(b"x")).unwrap(), b"x");
        fs::remove_dir_all(directory.parent().unwrap()).unwrap();
    }

    #[test]
    fn refuses_an_exposed_or_damaged_key_file() {
        let directory = scratch();
        let file = directory.join("secret.key");
        Vault::open(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let said = Vault::open(&file).unwrap_err().to_string();
        assert!(said.contains("0640") && said.contains("chmod 600"), "{said}");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&file, "short").unwrap();
        assert!(matches!(Vault::open(&file), Err(KeyFileError::NotAKey { .. })));
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn tokens_are_url_safe_and_new_each_time() {
        let vault = Vault::from_key([7; 32]);
        let (a, b) = (vault.token(32), vault.token(32));
        assert_eq!(a.len(), 43);
        assert_ne!(a, b);
        assert!(a.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_'));
    }
}
