//! By whose accounts a project's users sign in: providers of OpenID Connect and OAuth 2, and where their answers may go.

mod read;

use serde::{Deserialize, Serialize};

/// By whose accounts users sign in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectSocial)]
pub struct SocialSettings {
    /// The providers. A change sends all of them; a secret that is left out stays, as long as its provider is the same.
    pub providers: Vec<SocialProvider>,
    /// Where browsers may be sent back to, each exactly: `https://shop.example/signed-in`, `com.example.shop:/signed-in`,
    /// or `http` on this machine.
    pub redirect_addresses: Vec<String>,
}

/// A provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectSocialProvider)]
pub struct SocialProvider {
    /// What it is called in addresses, `^[a-z][a-z0-9-]{0,38}$`. Identities belong to it: under another id they are
    /// others.
    pub id: String,
    /// What it is.
    pub kind: SocialKind,
    /// What people read on its button; empty: the kind's name.
    #[serde(default)]
    pub name: String,
    /// The app's id at the provider.
    pub client_id: String,
    /// The app's secret at the provider; for Apple the private key as PEM. Sealed at rest and in no answer. It goes with
    /// its provider: another kind, issuer, endpoint or client id needs it anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, nullable = false)]
    pub client_secret: Option<String>,
    /// Apple: the team's id.
    #[serde(default)]
    pub team_id: String,
    /// Apple: the id of the private key.
    #[serde(default)]
    pub key_id: String,
    /// `oidc`: the issuer. Microsoft: that of one tenant. GitLab and GitHub: the address of a server of one's own.
    #[serde(default)]
    pub issuer: String,
    /// `oidc`: the endpoints, where the issuer publishes no discovery document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub endpoints: Option<SocialEndpoints>,
    /// What the app asks for; empty: what signing in needs.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Client ids of native apps, whose `id_token`s and codes are taken as well.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// Whether the provider's tokens are kept, sealed, for the app's use of the provider's API.
    #[serde(default)]
    pub keep_tokens: bool,
}

/// Where a provider is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = ProjectSocialEndpoints)]
pub struct SocialEndpoints {
    /// Where browsers are sent.
    pub authorization: String,
    /// Where codes become tokens.
    pub token: String,
    /// Where the keys of `id_token`s are.
    pub jwks: String,
    /// Where more about the person is; empty: the `id_token` says all.
    #[serde(default)]
    pub userinfo: String,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $text:literal, $name:literal;)*) => {
        /// What a provider is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum SocialKind { $($(#[$doc])* $kind,)* }

        impl SocialKind {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// Its name in settings.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $text,)* }
            }

            /// Its name for people.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }
        }
    };
}

kinds! {
    /// Google.
    Google = "google", "Google";
    /// Apple.
    Apple = "apple", "Apple";
    /// Microsoft: work, school and personal accounts.
    Microsoft = "microsoft", "Microsoft";
    /// GitHub, or a GitHub Enterprise Server.
    Github = "github", "GitHub";
    /// GitLab, or a GitLab of one's own.
    Gitlab = "gitlab", "GitLab";
    /// Facebook.
    Facebook = "facebook", "Facebook";
    /// Discord.
    Discord = "discord", "Discord";
    /// LinkedIn.
    Linkedin = "linkedin", "LinkedIn";
    /// Spotify.
    Spotify = "spotify", "Spotify";
    /// Twitch.
    Twitch = "twitch", "Twitch";
    /// X.
    X = "x", "X";
    /// Slack.
    Slack = "slack", "Slack";
    /// Any issuer of OpenID Connect.
    Oidc = "oidc", "OpenID Connect";
}

impl SocialKind {
    /// Whether the project may say where the provider is, and must.
    fn issuer(self) -> (bool, bool) {
        let may = matches!(
            self,
            Self::Oidc | Self::Microsoft | Self::Gitlab | Self::Github
        );
        (may, self == Self::Oidc)
    }
}

impl SocialSettings {
    /// The provider of this id.
    #[must_use]
    pub fn provider(&self, id: &str) -> Option<&SocialProvider> {
        self.providers.iter().find(|one| one.id == id)
    }
}
