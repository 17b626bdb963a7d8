//! Which methods an address takes, asked only after the router has found nothing.

use crate::Place;
use utoipa::openapi::OpenApi;

/// The addresses of both places, from their documents.
#[derive(Clone, Debug, Default)]
pub(super) struct Methods(Vec<Address>);

#[derive(Clone, Debug)]
struct Address {
    place: Place,
    segments: Vec<String>,
    allow: String,
}

impl Methods {
    pub(super) fn add(&mut self, place: Place, document: &OpenApi) {
        for (path, item) in &document.paths.paths {
            let all = [
                ("GET", &item.get),
                ("HEAD", &item.head),
                ("POST", &item.post),
                ("PUT", &item.put),
                ("PATCH", &item.patch),
                ("DELETE", &item.delete),
            ];
            let allow: Vec<&str> = all
                .iter()
                .filter(|(_, o)| o.is_some())
                .map(|(name, _)| *name)
                .collect();
            let segments = path.split('/').map(str::to_owned).collect();
            self.0.push(Address {
                place,
                segments,
                allow: allow.join(", "),
            });
        }
    }

    /// The methods of the address that `path` is, as `Allow` has them.
    pub(super) fn of(&self, place: Place, path: &str) -> Option<String> {
        let fits = |address: &&Address| {
            let mut path = path.split('/');
            let same = address.segments.iter().all(|want| {
                path.next()
                    .is_some_and(|got| want == got || (want.starts_with('{') && !got.is_empty()))
            });
            // A file's path has segments of its own, and no route goes on behind it.
            let is_open = address.segments.last().is_some_and(|s| s == "{path}");
            address.place == place && same && (is_open || path.next().is_none())
        };
        // `/users/me` and `/users/{id}` are both the address of `/users/me`: the plainer one speaks.
        let plain = |address: &&Address| {
            address
                .segments
                .iter()
                .filter(|s| s.starts_with('{'))
                .count()
        };
        self.0
            .iter()
            .filter(fits)
            .min_by_key(plain)
            .map(|address| address.allow.clone())
    }
}
