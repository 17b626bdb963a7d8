//! Passwords as Argon2id, by a few threads for the whole process, because 70 hashes a second saturate two cores. Hashes
//! that other systems made are verified too, so that whoever keeps one can replace it at the next sign-in.

mod breached;
mod foreign;
mod policy;
mod pool;
mod twin;

pub use foreign::{Firebase, Foreign, NotTaken};

use crate::sealed::random;
use crate::{Input, PasswordsConfig, Problem, StartError};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as B64;
use breached::Breached;
use pool::Pool;
use std::path::Path;
use std::sync::Arc;
use twin::{digest, forget};

/// Bytes of a password at least.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of a password at most; longer ones are refused before they are hashed.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// What every hash of ours begins with (PHC string format).
const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// A hash that no password has, with the parameters of all others, so that an unknown identity costs the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Z2FsbGV5LW5vYm9keS0xMQ$bm9ib2R5IGhhcyBhIHBhc3N3b3JkIHRoYXQgaGFzaGU";

/// Whether a hash is one of ours, with the parameters of today: else it is to be replaced when its password is known.
#[must_use]
pub fn is_ours(kept: &str) -> bool {
    ours(kept).is_some()
}

/// The salt and the digest of a hash of ours.
fn ours(kept: &str) -> Option<(Vec<u8>, [u8; 32])> {
    let (salt, digest) = kept.strip_prefix(OURS)?.split_once('$')?;
    let salt = B64.decode(salt).ok().filter(|salt| salt.len() >= 8)?;
    Some((salt, B64.decode(digest).ok()?.try_into().ok()?))
}

/// Hashes, verifies and judges passwords. Cheap to clone; clones share the threads and the queue.
#[derive(Clone)]
pub struct Passwords {
    pool: Arc<Pool>,
    breached: Breached,
}

impl Passwords {
    /// With so many hashes at a time (0: half of the cores) and so many callers waiting.
    #[must_use]
    pub fn new(at_once: usize, queue: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = match at_once {
            0 => (cores / 2).max(1),
            some => some,
        };
        Self {
            pool: Arc::new(Pool::new(threads, queue, forget)),
            breached: Breached::default(),
        }
    }

    /// As a section of the configuration says. A file of breached passwords that cannot be read is refused.
    pub fn from_config(config: &PasswordsConfig) -> Result<Self, StartError> {
        let mut passwords = Self::new(config.concurrent_max, config.queue_max);
        if !config.breached_file.is_empty() {
            passwords.breached = Breached::with_file(Path::new(&config.breached_file))?;
        }
        Ok(passwords)
    }

    /// The hash of a password, as a PHC string.
    pub async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = password.to_owned();
        self.pool
            .run(move || {
                let salt: [u8; 16] = random()?;
                let digest = digest(password.as_bytes(), &salt)?;
                Ok(format!("{OURS}{}${}", B64.encode(salt), B64.encode(digest)))
            })
            .await?
    }

    /// Whether the password has this hash, which is ours or one that [`Foreign::parse`] takes.
    ///
    /// A wrong password for a foreign hash costs a hash of ours beside it, because a right one does too, when its hash
    /// is replaced: the two take the same time.
    pub async fn verify(&self, password: &str, kept: &str) -> Result<bool, Problem> {
        if password.len() > PASSWORD_BYTES_MAX {
            return self.verify_nobody("").await;
        }
        let (password, kept) = (password.to_owned(), kept.to_owned());
        self.pool
            .run(move || {
                let password = password.as_bytes();
                if let Some((salt, digest_kept)) = ours(&kept) {
                    let found = digest(password, &salt)?;
                    return Ok(verify_slices_are_equal(&found, &digest_kept).is_ok());
                }
                let foreign = Foreign::parse(&kept);
                let foreign =
                    foreign.map_err(|_| Problem::internal("a stored password hash is none"))?;
                let is_right = foreign.verify(password)?;
                if !is_right {
                    digest(password, &[0; 16])?;
                }
                Ok(is_right)
            })
            .await?
    }

    /// Takes the time of [`Passwords::verify`] and answers false: for identities that do not exist.
    pub async fn verify_nobody(&self, password: &str) -> Result<bool, Problem> {
        let password = if password.len() > PASSWORD_BYTES_MAX {
            ""
        } else {
            password
        };
        // Boxed, because the two call each other.
        Box::pin(self.verify(password, NOBODY)).await.map(|_| false)
    }
}

/// Takes a new password of 8 to 512 bytes; a fault is noted before anything is hashed.
pub fn check_new_password(input: &mut Input, name: &str) -> String {
    let password = input.text(name, 1, usize::MAX);
    if !password.is_empty() && password.len() < PASSWORD_BYTES_MIN {
        input.fault(
            name,
            "too_short",
            format!("At least {PASSWORD_BYTES_MIN} characters are needed."),
        );
    } else if password.len() > PASSWORD_BYTES_MAX {
        input.fault(
            name,
            "too_long",
            format!(
                "At most {PASSWORD_BYTES_MAX} characters are allowed; one that is no plain Latin letter, digit or sign counts as two to four."
            ),
        );
    }
    password
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Code;
    use serde_json::json;

    #[tokio::test]
    async fn passwords_verify_and_nobody_does_not() {
        let passwords = Passwords::new(1, 4);
        let hash = passwords.hash("correct horse").await.unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert!(passwords.verify("correct horse", &hash).await.unwrap());
        // By what the hash says of itself, not by what we took it to say.
        let told = Foreign::parse(&hash).unwrap();
        assert!(told.verify(b"correct horse").unwrap());
        assert!(!passwords.verify("correct horsf", &hash).await.unwrap());
        assert!(!passwords.verify_nobody("correct horse").await.unwrap());
        assert!(!passwords.verify(&"x".repeat(600), &hash).await.unwrap());
    }

    #[tokio::test]
    async fn hashes_of_others_are_told_from_ours() {
        let passwords = Passwords::new(1, 4);
        let ours = passwords.hash("correct horse").await.unwrap();
        let other = "$2b$04$KKfLECbTbVQ1MTOcOgGQ8OHDsR649qjGU4ilayPefYbfG5aae10K6";
        assert!(is_ours(&ours) && is_ours(NOBODY) && !is_ours(other));
        // As ours, with a longer digest.
        let longer = format!("{OURS}c2l4dGVlbiBieXRlcyEhIQ${}", B64.encode([7; 64]));
        assert!(!is_ours(&longer));
        assert!(passwords.verify(&"a".repeat(72), other).await.unwrap());
        for wrong in [other, &longer] {
            assert!(!passwords.verify("correct horse", wrong).await.unwrap());
        }
        assert!(passwords.verify("x", "no hash").await.is_err());
    }

    #[tokio::test]
    async fn the_queue_is_bounded() {
        let passwords = Passwords::new(1, 2);
        let tries = (0..12).map(|_| passwords.verify_nobody("x"));
        let results = futures_util::future::join_all(tries).await;
        let refused = results
            .iter()
            .filter(|r| r.as_ref().is_err_and(|p| p.code() == Code::RateLimited))
            .count();
        assert!((8..12).contains(&refused), "{refused}");
        assert!(passwords.verify_nobody("x").await.is_ok());
    }

    #[test]
    fn new_passwords_are_measured_in_bytes() {
        let cases = [
            (json!("1234567"), Some("too_short")),
            (json!("ääää"), None),
            (json!("x".repeat(512)), None),
            (json!("ä".repeat(300)), Some("too_long")),
            (json!(1), Some("not_a_text")),
            (json!(null), Some("required")),
        ];
        for (value, want) in cases {
            let mut input = Input::new(
                [("password".to_owned(), value.clone())]
                    .into_iter()
                    .collect(),
            );
            check_new_password(&mut input, "password");
            let got = input
                .finish()
                .err()
                .and_then(|p| p.field_errors().first().map(|e| e.code));
            assert_eq!(got, want, "{value}");
        }
    }
}
