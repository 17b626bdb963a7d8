//! The documents that issuers publish, discovery and keys, kept for a while: many who need one wait for one request.

use super::wire::{self, Credential};
use crate::error::Error;
use gate::egress::Egress;
use kernel::Stamp;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as Turn;

/// How long a document is believed.
pub(crate) const BELIEVED: Duration = Duration::from_secs(3_600);
/// How often one is asked for again because something is not in it, at most.
pub(crate) const AGAIN: Duration = Duration::from_secs(60);
/// How long one that cannot be had anew is still believed.
const STALE: Duration = Duration::from_secs(86_400);
/// How long nobody is asked after a failure.
const PAUSE: Duration = Duration::from_secs(10);
/// Documents at most, of 64 KiB each at most.
const DOCUMENTS_MAX: usize = 500;

/// The documents of all issuers that were asked for. They are public, so projects share them.
#[derive(Default)]
pub(crate) struct Documents(Mutex<HashMap<String, Arc<Turn<Known>>>>);

/// What is known at one address.
#[derive(Default)]
struct Known {
    document: Option<(Arc<Value>, Stamp)>,
    failed: Option<Stamp>,
}

impl Known {
    /// The document if it is younger than this.
    fn younger(&self, than: Duration, now: Stamp) -> Option<Arc<Value>> {
        let (document, read) = self.document.as_ref()?;
        (*read <= now && now < read.plus(than)).then(|| document.clone())
    }

    fn is_pausing(&self, now: Stamp) -> bool {
        self.failed
            .is_some_and(|at| at <= now && now < at.plus(PAUSE))
    }
}

impl Documents {
    /// The document at an address, not older than `age` if it can be had.
    pub(crate) async fn get(
        &self,
        egress: &Egress,
        address: &str,
        age: Duration,
        now: Stamp,
    ) -> Result<Arc<Value>, Error> {
        let entry = self.entry(address);
        let mut known = entry.lock().await;
        if let Some(document) = known.younger(age, now) {
            return Ok(document);
        }
        let read = if known.is_pausing(now) {
            Err(Error::ProviderFailed(format!(
                "{address} failed a moment ago"
            )))
        } else {
            read(egress, address).await
        };
        match read {
            Ok(document) => {
                let document = Arc::new(document);
                known.document = Some((document.clone(), now));
                known.failed = None;
                Ok(document)
            }
            Err(error) => {
                if !known.is_pausing(now) {
                    known.failed = Some(now);
                }
                known.younger(STALE, now).ok_or(error)
            }
        }
    }

    fn entry(&self, address: &str) -> Arc<Turn<Known>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= DOCUMENTS_MAX && !all.contains_key(address) {
            all.clear();
        }
        all.entry(address.to_owned()).or_default().clone()
    }
}

async fn read(egress: &Egress, address: &str) -> Result<Value, Error> {
    let answer = wire::get(egress, address, Credential::None).await?;
    match (answer.status, answer.body) {
        (200, document @ Value::Object(_)) => Ok(document),
        (status, _) => Err(Error::ProviderFailed(format!("{address}: status {status}"))),
    }
}
