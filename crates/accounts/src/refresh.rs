//! Refresh tokens: derived from a sealed secret per family, so that a repeat can be answered with the same successor.

use crate::error::Error;
use crate::rows::session;
use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::Stamp;
use std::time::Duration;
use uuid::Uuid;

/// How long the last used token is still answered, with the successor it had: a client that lost the answer asks again.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

const PREFIX: &str = "gr_";
const MAC_LEN: usize = 32;
const LEN: usize = 16 + 8 + MAC_LEN;
/// Stands in front of what is authenticated, so that the secret is good for nothing else.
const PURPOSE: &[u8] = b"galley refresh token 1";

/// A family's secret.
pub(crate) struct Secret(hmac::Key);

impl Secret {
    /// New random bytes, to be sealed.
    pub(crate) fn fresh() -> Result<[u8; 32], Error> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| Error::Crypto)?;
        Ok(bytes)
    }

    /// Over opened bytes.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The token number `counter` of `family`, for the wire.
    pub(crate) fn token(&self, project: Uuid, family: Uuid, counter: i64) -> String {
        let tag = hmac::sign(&self.0, &message(project, family, counter));
        let mut all = Vec::with_capacity(LEN);
        all.extend_from_slice(family.as_bytes());
        all.extend_from_slice(&counter.to_be_bytes());
        all.extend_from_slice(tag.as_ref());
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(all))
    }

    /// Whether the token was made with this secret in this project; takes the same time for every wrong one.
    pub(crate) fn made(&self, project: Uuid, token: &RefreshToken) -> bool {
        hmac::verify(
            &self.0,
            &message(project, token.family, token.counter),
            &token.mac,
        )
        .is_ok()
    }
}

/// The project is in it, so that a copy of a database under another name does not honour the original's tokens.
fn message(project: Uuid, family: Uuid, counter: i64) -> Vec<u8> {
    [
        PURPOSE,
        project.as_bytes(),
        family.as_bytes(),
        &counter.to_be_bytes(),
    ]
    .concat()
}

/// What a refresh token says; nothing of it is true before [`Secret::made`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// The session.
    pub family: Uuid,
    /// Its number in the family.
    pub counter: i64,
    mac: [u8; MAC_LEN],
}

impl RefreshToken {
    /// Takes a token apart; `None` when it has another form.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let body = text
            .strip_prefix(PREFIX)
            .filter(|body| body.len() == LEN.div_ceil(3) * 4 - 1)?;
        let all: [u8; LEN] = URL_SAFE_NO_PAD.decode(body).ok()?.try_into().ok()?;
        let (family, rest) = all.split_first_chunk::<16>()?;
        let (counter, mac) = rest.split_first_chunk::<8>()?;
        Some(Self {
            family: Uuid::from_bytes(*family),
            counter: i64::from_be_bytes(*counter),
            mac: mac.try_into().ok()?,
        })
    }
}

/// What a good token means when it was not the unused one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The last used one, again within the grace: the same successor.
    Repeat,
    /// An older one: somebody has a copy, the family ends.
    Reuse,
    /// The session is over.
    Over,
}

/// Judges the token number `counter` by the session as it is now.
pub(crate) fn judge(row: Option<&session::Model>, counter: i64, now: Stamp) -> Verdict {
    let Some(row) = row.filter(|row| row.ended_at.is_none()) else {
        return Verdict::Over;
    };
    let in_grace = Stamp::from_time(row.rotated_at).is_some_and(|at| now <= at.plus(GRACE));
    // The successor is unused as long as the counter stands at it.
    if row.counter.checked_sub(1) == Some(counter) && in_grace {
        Verdict::Repeat
    } else {
        Verdict::Reuse
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROJECT: Uuid = Uuid::from_u128(7);
    const FAMILY: Uuid = Uuid::from_u128(8);

    fn at(millis: i128) -> Stamp {
        Stamp::from_time(
            time::OffsetDateTime::from_unix_timestamp_nanos(
                1_800_000_000_000_000_000 + millis * 1_000_000,
            )
            .unwrap(),
        )
        .unwrap()
    }

    fn row(counter: i64, rotated: Stamp) -> session::Model {
        session::Model {
            id: FAMILY,
            user_id: Uuid::from_u128(9),
            counter,
            secret: String::new(),
            created_at: rotated.time(),
            used_at: rotated.time(),
            rotated_at: rotated.time(),
            expires_at: rotated.time(),
            ended_at: None,
            user_agent: None,
            network: String::new(),
            methods: String::new(),
            level: 1,
            proved_at: rotated.time(),
            device: None,
            impersonator: None,
        }
    }

    #[test]
    fn a_token_is_read_back_and_only_its_secret_made_it() {
        let secret = Secret::new(&[1; 32]);
        let text = secret.token(PROJECT, FAMILY, 5);
        let token = RefreshToken::parse(&text).unwrap();
        assert_eq!((token.family, token.counter), (FAMILY, 5));
        assert_eq!(text, secret.token(PROJECT, FAMILY, 5));
        assert!(secret.made(PROJECT, &token));
        assert!(!Secret::new(&[2; 32]).made(PROJECT, &token));
        assert!(!secret.made(Uuid::from_u128(6), &token));
        assert!(!secret.made(
            PROJECT,
            &RefreshToken {
                counter: 6,
                ..token
            }
        ));
        assert!(!secret.made(
            PROJECT,
            &RefreshToken {
                family: PROJECT,
                ..token
            }
        ));
    }

    #[test]
    fn other_texts_are_no_tokens() {
        let text = Secret::new(&[1; 32]).token(PROJECT, FAMILY, 1);
        let cut = &text[..text.len() - 1];
        let bad = [
            String::new(),
            "gr_".into(),
            cut.into(),
            format!("{text}A"),
            format!("{text}="),
            text.replacen("gr_", "gk_", 1),
            format!("{cut}+"),
        ];
        for text in bad {
            assert_eq!(RefreshToken::parse(&text), None, "{text}");
        }
    }

    #[test]
    fn a_repeat_is_forgiven_for_ten_seconds_and_anything_older_is_not() {
        let stands = row(5, at(0));
        let cases = [
            (4, 0, Verdict::Repeat),
            (4, -500, Verdict::Repeat),
            (4, 10_000, Verdict::Repeat),
            (4, 10_001, Verdict::Reuse),
            (3, 0, Verdict::Reuse),
            (0, 0, Verdict::Reuse),
            (6, 0, Verdict::Reuse),
            (i64::MIN, 0, Verdict::Reuse),
        ];
        for (counter, millis, want) in cases {
            assert_eq!(
                judge(Some(&stands), counter, at(millis)),
                want,
                "{counter} {millis}"
            );
        }
        let ended = session::Model {
            ended_at: Some(at(0).time()),
            ..stands
        };
        assert_eq!(judge(Some(&ended), 4, at(0)), Verdict::Over);
        assert_eq!(judge(None, 4, at(0)), Verdict::Over);
    }
}
