//! Passwords as Argon2id, by a few threads for the whole process, because 70 hashes a second saturate two cores.

mod breached;
mod policy;
mod pool;

use crate::sealed::random;
use crate::{Input, PasswordsConfig, Problem, StartError};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD as B64;
use breached::Breached;
use pool::Pool;
use std::path::Path;
use std::sync::Arc;

/// Bytes of a password at least.
pub const PASSWORD_BYTES_MIN: usize = 8;
/// Bytes of a password at most; longer ones are refused before they are hashed.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// Memory and passes of a hash: the least that OWASP recommends for Argon2id.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// What every hash of ours begins with (PHC string format).
const OURS: &str = "$argon2id$v=19$m=19456,t=2,p=1$";
/// The system's allocator gives allocations beyond 32 MiB back at once and keeps smaller ones. Pages that are reserved
/// and not touched cost nothing.
const MEMORY_RESERVED_KIB: usize = 36 * 1_024;

/// A hash that no password has, with the parameters of all others, so that an unknown identity costs the same time.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$Z2FsbGV5LW5vYm9keS0xMQ$bm9ib2R5IGhhcyBhIHBhc3N3b3JkIHRoYXQgaGFzaGU";

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
            pool: Arc::new(Pool::new(threads, queue)),
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

    /// Whether the password has this hash.
    pub async fn verify(&self, password: &str, phc: &str) -> Result<bool, Problem> {
        if password.len() > PASSWORD_BYTES_MAX {
            return self.verify_nobody("").await;
        }
        let (password, phc) = (password.to_owned(), phc.to_owned());
        self.pool
            .run(move || {
                let broken = || Problem::internal("a stored password hash is none");
                let parts = phc.strip_prefix(OURS).and_then(|rest| rest.split_once('$'));
                let (salt, kept) = parts.ok_or_else(broken)?;
                let salt = B64.decode(salt).map_err(|_| broken())?;
                let kept = B64.decode(kept).map_err(|_| broken())?;
                let found = digest(password.as_bytes(), &salt)?;
                Ok(verify_slices_are_equal(&found, &kept).is_ok())
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

/// Argon2id of a password with our parameters.
fn digest(password: &[u8], salt: &[u8]) -> Result<[u8; 32], Problem> {
    let broken = |e: argon2::Error| Problem::internal(format!("argon2: {e}"));
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(broken)?;
    let blocks = params.block_count();
    let mut memory = Vec::with_capacity(blocks.max(MEMORY_RESERVED_KIB));
    memory.resize(blocks, Block::default());
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password, salt, &mut out, &mut memory)
        .map_err(broken)?;
    Ok(out)
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
        assert!(!passwords.verify("correct horsf", &hash).await.unwrap());
        assert!(!passwords.verify_nobody("correct horse").await.unwrap());
        assert!(!passwords.verify(&"x".repeat(600), &hash).await.unwrap());
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
