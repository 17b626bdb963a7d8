//! What is known of the providers: where they are, what they are asked for, and their quirks. Data only.

use gate::SocialKind;

/// Where Microsoft's accounts of all tenants are; the issuer in a token names the tenant.
pub(crate) const MICROSOFT: &str = "https://login.microsoftonline.com/common/v2.0";
/// What stands before and behind the tenant in an issuer of Microsoft's.
pub(crate) const MICROSOFT_TENANT: (&str, &str) = ("https://login.microsoftonline.com/", "/v2.0");
/// Apple, which is also whom its clients' secrets are made for.
pub(crate) const APPLE: &str = "https://appleid.apple.com";

/// How an app shows its secret where codes become tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Showing {
    /// In the form (RFC 6749, section 2.3.1).
    Form,
    /// In the header.
    Basic,
    /// As a token that is made with it.
    Apple,
}

/// A provider of OAuth 2 alone: its addresses are part of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fixed {
    pub(crate) authorization: &'static str,
    pub(crate) token: &'static str,
    /// Where the person is read.
    pub(crate) person: &'static str,
    /// The keys of `id_token`s of its native apps; empty: there are none.
    pub(crate) jwks: &'static str,
}

/// What is known of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preset {
    /// Its issuer. It is part of what makes an identity, so it never changes.
    pub(crate) issuer: &'static str,
    /// None where the issuer publishes a discovery document.
    pub(crate) fixed: Option<Fixed>,
    /// What is asked for.
    pub(crate) scopes: &'static [&'static str],
    /// What else is said when asking.
    pub(crate) parameters: &'static [(&'static str, &'static str)],
    /// None where the discovery document says it.
    pub(crate) showing: Option<Showing>,
    /// Whether the answer comes as a form that another site posts.
    pub(crate) is_form_post: bool,
}

const OIDC: Preset = Preset {
    issuer: "",
    fixed: None,
    scopes: &["openid", "email", "profile"],
    parameters: &[],
    showing: None,
    is_form_post: false,
};

/// What is known of providers of this kind.
pub(crate) fn preset(kind: SocialKind) -> Preset {
    match kind {
        SocialKind::Oidc => OIDC,
        SocialKind::Google => of("https://accounts.google.com"),
        SocialKind::Gitlab => of("https://gitlab.com"),
        SocialKind::Linkedin => of("https://www.linkedin.com/oauth"),
        SocialKind::Slack => of("https://slack.com"),
        SocialKind::Microsoft => of(MICROSOFT),
        SocialKind::Apple => Preset {
            // Apple gives a name and an address only where the answer is a form.
            scopes: &["openid", "email", "name"],
            parameters: &[("response_mode", "form_post")],
            showing: Some(Showing::Apple),
            is_form_post: true,
            ..of(APPLE)
        },
        SocialKind::Twitch => Preset {
            scopes: &["openid", "user:read:email"],
            // Without being asked for by name the address is in no token.
            parameters: &[(
                "claims",
                r#"{"id_token":{"email":null,"email_verified":null,"picture":null,"preferred_username":null}}"#,
            )],
            ..of("https://id.twitch.tv/oauth2")
        },
        SocialKind::Github
        | SocialKind::Facebook
        | SocialKind::Discord
        | SocialKind::Spotify
        | SocialKind::X => plain(kind),
    }
}

const fn of(issuer: &'static str) -> Preset {
    Preset {
        issuer,
        showing: Some(Showing::Form),
        ..OIDC
    }
}

/// Those that speak OAuth 2 alone.
fn plain(kind: SocialKind) -> Preset {
    let of = |issuer, scopes, showing, fixed| Preset {
        issuer,
        fixed: Some(fixed),
        scopes,
        showing: Some(showing),
        ..OIDC
    };
    match kind {
        SocialKind::Facebook => of(
            "https://www.facebook.com",
            &["email", "public_profile"],
            Showing::Form,
            Fixed {
                authorization: "https://www.facebook.com/v23.0/dialog/oauth",
                token: "https://graph.facebook.com/v23.0/oauth/access_token",
                person: "https://graph.facebook.com/v23.0/me?fields=id,name,email,picture",
                jwks: "https://www.facebook.com/.well-known/oauth/openid/jwks/",
            },
        ),
        SocialKind::Discord => of(
            "https://discord.com",
            &["identify", "email"],
            Showing::Form,
            Fixed {
                authorization: "https://discord.com/oauth2/authorize",
                token: "https://discord.com/api/oauth2/token",
                person: "https://discord.com/api/users/@me",
                jwks: "",
            },
        ),
        SocialKind::Spotify => of(
            "https://accounts.spotify.com",
            &["user-read-email"],
            Showing::Basic,
            Fixed {
                authorization: "https://accounts.spotify.com/authorize",
                token: "https://accounts.spotify.com/api/token",
                person: "https://api.spotify.com/v1/me",
                jwks: "",
            },
        ),
        SocialKind::X => of(
            "https://x.com",
            &["users.read", "users.email", "tweet.read"],
            Showing::Basic,
            Fixed {
                authorization: "https://x.com/i/oauth2/authorize",
                token: "https://api.x.com/2/oauth2/token",
                person: "https://api.x.com/2/users/me?user.fields=profile_image_url,confirmed_email",
                jwks: "",
            },
        ),
        // GitHub; a server of one's own has the same paths below its own address.
        _ => of(
            "https://github.com",
            &["read:user", "user:email"],
            Showing::Form,
            Fixed {
                authorization: "https://github.com/login/oauth/authorize",
                token: "https://github.com/login/oauth/access_token",
                person: "https://api.github.com/user",
                jwks: "",
            },
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gate::egress::{Egress, EgressConfig};

    #[test]
    fn every_provider_has_an_issuer_and_addresses_that_may_be_asked() {
        let egress = Egress::new(&EgressConfig::default());
        let mut issuers = std::collections::HashSet::new();
        for kind in SocialKind::ALL
            .iter()
            .filter(|kind| **kind != SocialKind::Oidc)
        {
            let preset = preset(*kind);
            assert!(issuers.insert(preset.issuer), "{kind:?}");
            let fixed = preset.fixed.iter();
            let fixed = fixed.flat_map(|f| [f.authorization, f.token, f.person, f.jwks]);
            let all = fixed
                .chain([preset.issuer])
                .filter(|address| !address.is_empty());
            for address in all {
                assert!(egress.check(address).is_ok(), "{address}");
            }
            let speaks_oidc = preset.scopes.contains(&"openid");
            assert_eq!(speaks_oidc, preset.fixed.is_none(), "{kind:?}");
            assert!(preset.showing.is_some());
        }
    }
}
