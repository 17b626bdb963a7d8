//! From which domains a project takes e-mail addresses.

use crate::Input;
use kernel::FieldError;
use serde::{Deserialize, Serialize};
use url::Host;

/// Domains of one list at most.
const DOMAINS_MAX: usize = 1_000;

/// From which domains addresses are taken when somebody signs up or changes the address. A domain stands for its
/// subdomains too. Keys and operators may take any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = ProjectEmailDomains)]
pub struct EmailDomains {
    /// From these alone; empty: from all.
    pub allow: Vec<String>,
    /// From all but these, whatever `allow` says.
    pub block: Vec<String>,
}

impl EmailDomains {
    /// Merges the members that are there; faults are noted in `input`.
    pub(super) fn patch(mut self, input: &mut Input) -> Self {
        for (name, list) in [("allow", &mut self.allow), ("block", &mut self.block)] {
            let Some(texts) = input.optional_texts(name) else {
                continue;
            };
            if texts.len() > DOMAINS_MAX {
                let message = format!("At most {DOMAINS_MAX} domains are allowed.");
                input.fault(name, "too_many", message);
            }
            let read: Vec<Option<String>> = texts.iter().map(|text| domain(text)).collect();
            for i in (0..read.len()).filter(|i| read[*i].is_none()) {
                input.push(FieldError {
                    path: format!("/{name}/{i}"),
                    code: "not_a_domain",
                    message: "This must be a domain such as example.com.".to_owned(),
                });
            }
            *list = read.into_iter().flatten().collect();
        }
        self
    }

    /// Whether an address may be taken. One whose domain cannot be read may not, where there is a list.
    #[must_use]
    pub fn allows(&self, email: &str) -> bool {
        if self.allow.is_empty() && self.block.is_empty() {
            return true;
        }
        let Some(found) = email.trim().rsplit_once('@').and_then(|(_, d)| domain(d)) else {
            return false;
        };
        let is_within = |of: &String| {
            let rest = found.strip_suffix(of.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        (self.allow.is_empty() || self.allow.iter().any(is_within))
            && !self.block.iter().any(is_within)
    }
}

/// A domain in the form in which domains are compared: lower case, in ASCII (RFC 5890), without a dot at its end.
fn domain(text: &str) -> Option<String> {
    match Host::parse(text.trim_end_matches('.')).ok()? {
        Host::Domain(name) if is_name(&name) => Some(name),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    name.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(is_letter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lists(allow: &[&str], block: &[&str]) -> (EmailDomains, usize) {
        let mut input = Input::new(
            json!({"allow": allow, "block": block})
                .as_object()
                .cloned()
                .unwrap(),
        );
        let read = EmailDomains::default().patch(&mut input);
        (read, input.faults().len())
    }

    #[test]
    fn a_domain_stands_for_its_subdomains_and_for_nothing_else() {
        let (lists, faults) = lists(&["Example.com", "bücher.example"], &["bad.example.com"]);
        assert_eq!(faults, 0);
        for good in [
            "a@example.com",
            "a@EXAMPLE.com ",
            "a@x.y.example.com",
            "a@xn--bcher-kva.example",
            "a@Bücher.example",
            "a@example.com.",
        ] {
            assert!(lists.allows(good), "{good}");
        }
        for bad in [
            "a@bad.example.com",
            "a@x.BAD.example.com",
            "a@notexample.com",
            "a@example.com.evil.test",
            "a@com",
            "a",
            "a@",
            "a@[127.0.0.1]",
            "a@bad.example.com.",
        ] {
            assert!(!lists.allows(bad), "{bad}");
        }
        assert!(EmailDomains::default().allows("a@anything"));
    }

    #[test]
    fn what_is_no_domain_is_named() {
        assert_eq!(
            lists(&["a b", "127.0.0.1", "", "x@y"], &["ok.example", "*.x"]).1,
            5
        );
    }
}
