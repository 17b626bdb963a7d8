//! Where a provider is asked: as its settings say, as its kind has it, or as its issuer publishes it.

use super::documents::BELIEVED;
use super::id_token::Issuer;
use super::presets::{MICROSOFT, MICROSOFT_TENANT, Showing};
use super::provider::Provider;
use crate::Accounts;
use crate::error::Error;
use gate::SocialKind;
use kernel::Stamp;
use serde_json::Value;

/// Where a provider is asked.
pub(crate) struct Endpoints {
    pub(crate) authorization: String,
    pub(crate) token: String,
    /// Where its keys are; none where there are no `id_token`s.
    pub(crate) jwks: Option<String>,
    /// Where more about the person is, or all where there are no `id_token`s.
    pub(crate) about: Option<String>,
    pub(crate) issuer: Issuer,
    pub(crate) showing: Showing,
}

impl Endpoints {
    fn named(provider: &Provider, issuer: String, own: &[&str]) -> Issuer {
        match provider.settings.kind {
            SocialKind::Microsoft if issuer == MICROSOFT => {
                Issuer::Tenant(MICROSOFT_TENANT.0, MICROSOFT_TENANT.1)
            }
            _ => {
                let more = own.iter().map(|name| (*name).to_owned());
                Issuer::Named(std::iter::once(issuer).chain(more).collect())
            }
        }
    }

    /// Those of a provider that publishes none.
    pub(crate) fn fixed(provider: &Provider) -> Option<Self> {
        let preset = &provider.preset;
        let settings = &provider.settings;
        if let Some(own) = &settings.endpoints {
            return Some(Self {
                authorization: own.authorization.clone(),
                token: own.token.clone(),
                jwks: Some(own.jwks.clone()),
                about: (!own.userinfo.is_empty()).then(|| own.userinfo.clone()),
                issuer: Self::named(provider, settings.issuer.clone(), &[]),
                showing: Showing::Basic,
            });
        }
        let fixed = preset.fixed?;
        let base = settings.issuer.trim_end_matches('/');
        let is_own = settings.kind == SocialKind::Github && !base.is_empty();
        let at = |path: &str, known: &str| match is_own {
            true => format!("{base}{path}"),
            false => known.to_owned(),
        };
        let issuer = if is_own { base } else { preset.issuer };
        Some(Self {
            authorization: at("/login/oauth/authorize", fixed.authorization),
            token: at("/login/oauth/access_token", fixed.token),
            jwks: (!fixed.jwks.is_empty()).then(|| fixed.jwks.to_owned()),
            about: Some(at("/api/v3/user", fixed.person)),
            issuer: Self::named(provider, issuer.to_owned(), &[]),
            showing: preset.showing.unwrap_or(Showing::Form),
        })
    }

    /// Those that an issuer publishes (OpenID Connect Discovery, section 4).
    pub(crate) fn published(provider: &Provider, issuer: &str, document: &Value) -> Option<Self> {
        let text = |name: &str| {
            document
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let is_tenant = issuer == MICROSOFT;
        // An issuer that names another one stands for somebody else.
        text("issuer").filter(|own| own == issuer || is_tenant)?;
        let ways = document.get("token_endpoint_auth_methods_supported");
        let takes = |way: &str| {
            ways.and_then(Value::as_array)
                .is_some_and(|all| all.iter().any(|one| one == way))
        };
        let showing = match provider.preset.showing {
            Some(showing) => showing,
            None if takes("client_secret_post") && !takes("client_secret_basic") => Showing::Form,
            None => Showing::Basic,
        };
        let own: &[&str] = match provider.settings.kind {
            // Its older tokens leave the scheme out.
            SocialKind::Google => &["accounts.google.com"],
            _ => &[],
        };
        Some(Self {
            authorization: text("authorization_endpoint")?,
            token: text("token_endpoint")?,
            jwks: Some(text("jwks_uri")?),
            about: text("userinfo_endpoint"),
            issuer: Self::named(provider, issuer.to_owned(), own),
            showing,
        })
    }
}

impl Accounts {
    /// Where the provider is asked, as it publishes it.
    pub(crate) async fn endpoints(&self, of: &Provider, now: Stamp) -> Result<Endpoints, Error> {
        if let Some(fixed) = Endpoints::fixed(of) {
            return Ok(fixed);
        }
        let issuer = match &*of.settings.issuer {
            "" => of.preset.issuer,
            own => own,
        };
        let base = issuer.trim_end_matches('/');
        let address = format!("{base}/.well-known/openid-configuration");
        let (egress, documents) = (&self.inner.egress, &self.inner.documents);
        let document = documents.get(egress, &address, BELIEVED, now).await?;
        let endpoints = Endpoints::published(of, issuer, &document).ok_or_else(|| {
            Error::ProviderFailed(format!("{address} names no endpoints of {issuer}"))
        })?;
        // A browser is sent there, and must not be sent anywhere: what the server may ask, it may show.
        let judged = egress.check(&endpoints.authorization);
        judged.map_err(|refused| Error::ProviderFailed(format!("{issuer}: {refused}")))?;
        Ok(endpoints)
    }
}

#[cfg(test)]
mod tests {
    use super::super::provider::tests::{document, provider};
    use super::*;
    use serde_json::json;

    #[test]
    fn an_issuer_speaks_for_itself_alone() {
        let own = provider(
            json!({"id": "a", "kind": "oidc", "client_id": "c", "issuer": "https://a.example"}),
        );
        assert!(
            Endpoints::published(&own, "https://a.example", &document("https://a.example"))
                .is_some()
        );
        for other in ["https://b.example", "https://a.example/", ""] {
            assert!(
                Endpoints::published(&own, "https://a.example", &document(other)).is_none(),
                "{other}"
            );
        }
        let microsoft = provider(json!({"id": "m", "kind": "microsoft", "client_id": "c"}));
        let shown = Endpoints::published(
            &microsoft,
            MICROSOFT,
            &document("https://login.microsoftonline.com/{tenantid}/v2.0"),
        )
        .unwrap();
        assert!(matches!(shown.issuer, Issuer::Tenant(..)));
    }
}
