//! Who somebody is, as a provider says it, and whether what it says about an address can be relied on.

use gate::SocialKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Characters of a name at most; more is cut.
const NAME_CHARS_MAX: usize = 200;
/// Characters of a picture's address at most; a longer one is left out.
const PICTURE_CHARS_MAX: usize = 2_000;

/// Who somebody is. The first two are the identity; the rest may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Person {
    /// Who says it.
    pub(crate) issuer: String,
    /// How it names the person.
    pub(crate) subject: String,
    /// An address.
    pub(crate) email: Option<String>,
    /// Whether the provider has found out that the address is the person's.
    pub(crate) is_verified: bool,
    /// How the person is called.
    pub(crate) name: Option<String>,
    /// Where a picture is.
    pub(crate) picture: Option<String>,
}

impl Person {
    fn new(issuer: &str, subject: String) -> Self {
        Self {
            issuer: issuer.to_owned(),
            subject,
            email: None,
            is_verified: false,
            name: None,
            picture: None,
        }
    }

    /// With an address, if it has the form of one.
    fn at(mut self, email: Option<&str>, is_verified: bool) -> Self {
        self.email = email
            .map(str::trim)
            .filter(|email| crate::model::is_email(email))
            .map(str::to_owned);
        self.is_verified = is_verified && self.email.is_some();
        self
    }

    /// With a name, if there is one.
    pub(crate) fn called(mut self, name: Option<&str>) -> Self {
        let name: Option<String> = name.map(|name| {
            name.chars()
                .filter(|c| !c.is_control())
                .take(NAME_CHARS_MAX)
                .collect()
        });
        self.name = name.filter(|name| !name.trim().is_empty()).or(self.name);
        self
    }

    fn shown(mut self, picture: Option<&str>) -> Self {
        let is_one =
            |picture: &&str| picture.len() <= PICTURE_CHARS_MAX && picture.starts_with("https://");
        self.picture = picture.filter(is_one).map(str::to_owned).or(self.picture);
        self
    }
}

/// Who the claims of an `id_token`, or of the address for more about the person, are about. Both were judged.
pub(crate) fn of_claims(kind: SocialKind, claims: &Map<String, Value>) -> Option<Person> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    let person = Person::new(text("iss")?, text("sub")?.to_owned());
    let name = text("name").or_else(|| text("preferred_username"));
    Some(
        person
            .at(text("email"), is_verified(kind, claims))
            .called(name)
            .shown(text("picture")),
    )
}

/// Whether the address is the person's: the provider must say so, in the form that it uses.
fn is_verified(kind: SocialKind, claims: &Map<String, Value>) -> bool {
    let is_true = |name: &str| claims.get(name) == Some(&Value::Bool(true));
    let says = |name: &str| {
        is_true(name)
            || claims
                .get(name)
                .is_some_and(|v| v == "true" || v == "1" || *v == 1)
    };
    match kind {
        // It sends texts where others send booleans.
        SocialKind::Apple => says("email_verified"),
        // The administrator of any tenant writes any address there, unless its domain was shown to be the tenant's.
        SocialKind::Microsoft => says("xms_edov"),
        _ => is_true("email_verified"),
    }
}

/// Who an answer of a provider's own API is about. `mails` are GitHub's, which has a list of them.
pub(crate) fn of_answer(
    kind: SocialKind,
    issuer: &str,
    answer: &Value,
    mails: Option<&Value>,
) -> Option<Person> {
    let at = |pointer: &str| answer.pointer(pointer).and_then(Value::as_str);
    let id = |pointer: &str| match answer.pointer(pointer)? {
        Value::String(id) if !id.is_empty() && id.len() <= 255 => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    };
    Some(match kind {
        SocialKind::Github => {
            let person = Person::new(issuer, id("/id")?)
                .called(at("/name").or_else(|| at("/login")))
                .shown(at("/avatar_url"));
            match mails.and_then(primary) {
                Some((email, is_verified)) => person.at(Some(email), is_verified),
                None => person.at(at("/email"), false),
            }
        }
        // It does not say whether an address was verified.
        SocialKind::Facebook => Person::new(issuer, id("/id")?)
            .at(at("/email"), false)
            .called(at("/name"))
            .shown(at("/picture/data/url")),
        SocialKind::Discord => {
            let id = id("/id")?;
            let picture = at("/avatar")
                .filter(|hash| hash.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
                .map(|hash| format!("https://cdn.discordapp.com/avatars/{id}/{hash}.png"));
            Person::new(issuer, id)
                .at(
                    at("/email"),
                    answer.get("verified") == Some(&Value::Bool(true)),
                )
                .called(at("/global_name").or_else(|| at("/username")))
                .shown(picture.as_deref())
        }
        // "This email address is unverified", says its reference.
        SocialKind::Spotify => Person::new(issuer, id("/id")?)
            .at(at("/email"), false)
            .called(at("/display_name"))
            .shown(at("/images/0/url")),
        SocialKind::X => Person::new(issuer, id("/data/id")?)
            .at(at("/data/confirmed_email"), true)
            .called(at("/data/name"))
            .shown(at("/data/profile_image_url")),
        _ => return None,
    })
}

/// GitHub's primary address, and whether it is verified.
fn primary(mails: &Value) -> Option<(&str, bool)> {
    let is_true = |mail: &Value, name: &str| mail.get(name) == Some(&Value::Bool(true));
    let mail = mails
        .as_array()?
        .iter()
        .find(|mail| is_true(mail, "primary"))?;
    Some((mail.get("email")?.as_str()?, is_true(mail, "verified")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claimed(kind: SocialKind, more: Value) -> Person {
        let mut claims =
            json!({"iss": "https://id.example", "sub": "7", "email": "ada@example.com"});
        claims
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().cloned().unwrap());
        of_claims(kind, claims.as_object().unwrap()).unwrap()
    }

    #[test]
    fn an_address_counts_where_its_provider_says_so_in_its_own_form() {
        use SocialKind::{Apple, Google, Microsoft, Oidc};
        let cases = [
            (Google, json!({"email_verified": true}), true),
            (Oidc, json!({"email_verified": true}), true),
            (Oidc, json!({"email_verified": false}), false),
            (Oidc, json!({"email_verified": "false"}), false),
            (Oidc, json!({"email_verified": "true"}), false),
            (Oidc, json!({"email_verified": 1}), false),
            (Oidc, json!({"email_verified": null}), false),
            (Oidc, json!({}), false),
            (Apple, json!({"email_verified": "true"}), true),
            (Apple, json!({"email_verified": "false"}), false),
            // What its tenants write is no proof.
            (Microsoft, json!({"email_verified": true}), false),
            (Microsoft, json!({"xms_edov": false}), false),
            (Microsoft, json!({"xms_edov": true}), true),
            (Microsoft, json!({"xms_edov": "1"}), true),
        ];
        for (kind, more, want) in cases {
            assert_eq!(
                claimed(kind, more.clone()).is_verified,
                want,
                "{kind:?} {more}"
            );
        }
        // A user's principal name looks like an address, and is none.
        let upn = json!({"email": null, "upn": "victim@example.com", "preferred_username": "victim@example.com", "email_verified": true});
        assert_eq!(claimed(Oidc, upn).email, None);
        let odd = json!({"email": "a@b.co\r\nBcc: x", "email_verified": true});
        assert!(!claimed(Oidc, odd).is_verified);
    }

    #[test]
    fn the_answers_of_providers_are_read_in_their_own_shapes() {
        let github = json!({"id": 583_231, "login": "octocat", "name": null, "avatar_url": "https://a.example/1", "email": "public@example.com"});
        let mails = json!([{"email": "old@example.com", "primary": false, "verified": true}, {"email": "octo@example.com", "primary": true, "verified": true}]);
        let read = of_answer(
            SocialKind::Github,
            "https://github.com",
            &github,
            Some(&mails),
        )
        .unwrap();
        assert_eq!(
            (read.subject.as_str(), read.name.as_deref()),
            ("583231", Some("octocat"))
        );
        assert_eq!(
            (read.email.as_deref(), read.is_verified),
            (Some("octo@example.com"), true)
        );
        let read = of_answer(SocialKind::Github, "https://github.com", &github, None).unwrap();
        assert_eq!(
            (read.email.as_deref(), read.is_verified),
            (Some("public@example.com"), false)
        );
        let discord = json!({"id": "80351110224678912", "username": "nelly", "global_name": "Nelly", "avatar": "8342729096ea3675442027381ff50dfe", "verified": true, "email": "nelly@example.com"});
        let read = of_answer(SocialKind::Discord, "https://discord.com", &discord, None).unwrap();
        assert!(read.is_verified && read.name.as_deref() == Some("Nelly"));
        assert_eq!(
            read.picture.as_deref(),
            Some(
                "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png"
            )
        );
        let facebook = json!({"id": "1", "name": "A", "email": "a@example.com", "picture": {"data": {"url": "https://p.example/1"}}});
        let spotify =
            json!({"id": "s", "display_name": "S", "email": "a@example.com", "images": []});
        for (kind, answer) in [
            (SocialKind::Facebook, facebook),
            (SocialKind::Spotify, spotify),
        ] {
            let read = of_answer(kind, "https://i.example", &answer, None).unwrap();
            assert_eq!(
                (read.email.as_deref(), read.is_verified),
                (Some("a@example.com"), false)
            );
        }
        let x = json!({"data": {"id": "2244994945", "name": "X", "username": "xdev", "confirmed_email": "x@example.com"}});
        let read = of_answer(SocialKind::X, "https://x.com", &x, None).unwrap();
        assert!(read.is_verified && read.subject == "2244994945");
        for kind in [
            SocialKind::Github,
            SocialKind::Discord,
            SocialKind::X,
            SocialKind::Google,
        ] {
            assert_eq!(
                of_answer(kind, "i", &json!({"id": ""}), None),
                None,
                "{kind:?}"
            );
        }
    }
}
