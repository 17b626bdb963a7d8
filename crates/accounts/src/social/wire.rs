//! How providers are asked: JSON answers of bounded size, whose failures are told to the trace and to nobody else.

use crate::error::Error;
use gate::egress::{Answered, Egress, HeaderMap, HeaderName, HeaderValue, Method, Outgoing};
use serde_json::Value;

/// What we say we are; some refuse who does not say it.
const AGENT: &str = "galley";

/// How the asker shows who it is.
pub(crate) enum Credential<'a> {
    None,
    Bearer(&'a str),
    /// The app's id and its secret (RFC 6749, section 2.3.1).
    Basic(&'a str, &'a str),
}

/// What was answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Reads a JSON document.
pub(crate) async fn get(
    egress: &Egress,
    address: &str,
    who: Credential<'_>,
) -> Result<Answer, Error> {
    ask(egress, address, Method::GET, who, Vec::new()).await
}

/// Sends a form.
pub(crate) async fn post(
    egress: &Egress,
    address: &str,
    who: Credential<'_>,
    form: &[(&str, &str)],
) -> Result<Answer, Error> {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    let body = text.extend_pairs(form).finish();
    ask(egress, address, Method::POST, who, body.into_bytes()).await
}

async fn ask(
    egress: &Egress,
    address: &str,
    method: Method,
    who: Credential<'_>,
    body: Vec<u8>,
) -> Result<Answer, Error> {
    let failed = |story: String| Error::ProviderFailed(story);
    let target = egress
        .check(address)
        .map_err(|refused| failed(format!("{address}: {refused}")))?;
    let host = target.host().to_owned();
    let headers = headers(&method, who).ok_or_else(|| failed("an odd credential".to_owned()))?;
    let request = Outgoing {
        target,
        method,
        headers,
        body,
    };
    let told = |why: String| failed(format!("{host}: {why}"));
    let Answered { status, body, .. } = egress
        .send(request)
        .await
        .map_err(|error| told(error.to_string()))?;
    let body = body.map_err(|error| told(error.to_string()))?;
    let body =
        serde_json::from_slice(&body).map_err(|_| told(format!("status {status}, and no JSON")))?;
    Ok(Answer { status, body })
}

fn headers(method: &Method, who: Credential<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    let mut add = |name: &'static str, value: HeaderValue| {
        headers.insert(HeaderName::from_static(name), value);
    };
    add("accept", HeaderValue::from_static("application/json"));
    add("user-agent", HeaderValue::from_static(AGENT));
    if method == Method::POST {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        add("content-type", form);
    }
    let shown = match who {
        Credential::None => None,
        Credential::Bearer(token) => Some(format!("Bearer {token}")),
        Credential::Basic(id, secret) => Some(basic(id, secret)),
    };
    if let Some(shown) = shown {
        let mut value = HeaderValue::from_str(&shown).ok()?;
        value.set_sensitive(true);
        add("authorization", value);
    }
    Some(headers)
}

/// Both parts are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
fn basic(id: &str, secret: &str) -> String {
    use base64::Engine;
    let encoded =
        |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let joined = format!("{}:{}", encoded(id), encoded(secret));
    format!(
        "Basic {}",
        base64::engine::general_purpose::STANDARD.encode(joined)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_holds_what_was_encoded_and_nothing_that_ends_a_line() {
        // The client of RFC 6749, section 2.3.1.
        assert_eq!(
            basic("s6BhdRkqt3", "gX1fBat3bV"),
            "Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW"
        );
        assert_ne!(basic("a:b", "c"), basic("a", "b:c"));
        assert!(headers(&Method::GET, Credential::Bearer("a\r\nx: y")).is_none());
        assert!(
            headers(&Method::POST, Credential::None)
                .unwrap()
                .contains_key("content-type")
        );
    }
}
