//! Static sites of projects on their own hosts, from folders named at start: the seed of site hosting.

use actix_files::NamedFile;
use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use gate::{Caller, Holders, InProject, Problem};
use kernel::Code;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

gate::permissions! {
    /// Reads the files of a project's site.
    SiteOpen = "site.open", InProject, Holders::Everyone;
}

/// The folders of sites by their projects' ids. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Sites(Arc<HashMap<String, PathBuf>>);

impl Sites {
    /// From `project=folder` pairs of the command line. Folders must exist.
    pub fn parse(pairs: &[String]) -> Result<Self, String> {
        let mut sites = HashMap::new();
        for pair in pairs {
            let (project, folder) = pair
                .split_once('=')
                .filter(|(project, _)| kernel::parse_slug(project).is_some())
                .ok_or_else(|| format!("--site {pair}: it must be PROJECT=FOLDER"))?;
            // Resolved once, so that no link inside can lead out of it unseen.
            let folder = Path::new(folder)
                .canonicalize()
                .map_err(|e| format!("--site {pair}: {e}"))?;
            sites.insert(project.to_owned(), folder);
        }
        Ok(Self(Arc::new(sites)))
    }
}

/// What no route of a project has taken: a file of its site, on its own host.
pub async fn serve(
    caller: Caller<SiteOpen>,
    sites: web::Data<Sites>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let path = request.match_info().as_str().to_owned();
    let folder = sites.0.get(&caller.project()?.id).cloned();
    let Some(folder) = folder.filter(|_| caller.on_own_host() && !is_reserved(&path)) else {
        // Without a problem: the front door still tells a wrong method from a wrong address.
        return Ok(HttpResponse::NotFound().finish());
    };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(Code::MethodNotAllowed.into());
    }
    let found = find(folder, path)
        .await
        .map_err(|e| Problem::internal(format!("a file of a site: {e}")))?;
    match found {
        Found::Nothing => Err(Code::RouteNotFound.into()),
        Found::Folder(location) => Ok(HttpResponse::build(StatusCode::PERMANENT_REDIRECT)
            .insert_header((header::LOCATION, location))
            .finish()),
        Found::File(file) => {
            let mut response = file.prefer_utf8(true).into_response(&request);
            // Sites change under their names; the ETag makes asking again cheap.
            let headers = response.headers_mut();
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Ok(response)
        }
    }
}

/// Addresses of the API are never a site's, whatever its folder holds.
fn is_reserved(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    matches!(segments.next(), Some("v1" | ".well-known"))
}

enum Found {
    Nothing,
    /// A folder that was asked without its slash: where to ask again, relative to the address.
    Folder(String),
    File(Box<NamedFile>),
}

async fn find(folder: PathBuf, path: String) -> std::io::Result<Found> {
    let looked = web::block(move || look(&folder, &path)).await;
    looked.map_err(std::io::Error::other)?
}

/// The front door has refused empty segments, dot segments and backslashes, encoded or not; files that begin with a
/// dot are nobody's business.
fn look(folder: &Path, path: &str) -> std::io::Result<Found> {
    let path = path.trim_start_matches('/');
    let hidden = |segment: &str| segment.starts_with('.') || segment.contains('\0');
    if path.split('/').any(hidden) {
        return Ok(Found::Nothing);
    }
    let Ok(mut file) = folder.join(path).canonicalize() else {
        return Ok(Found::Nothing);
    };
    if !file.starts_with(folder) {
        return Ok(Found::Nothing);
    }
    if file.is_dir() {
        if !path.is_empty() && !path.ends_with('/') {
            let last = path.rsplit('/').next().unwrap_or_default();
            // A name is not to be read as a scheme.
            return Ok(Found::Folder(format!("./{last}/")));
        }
        let Ok(index) = file.join("index.html").canonicalize() else {
            return Ok(Found::Nothing);
        };
        file = index;
    }
    if !file.starts_with(folder) || !file.is_file() {
        return Ok(Found::Nothing);
    }
    NamedFile::open(file).map(Box::new).map(Found::File)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_the_folder_are_found() {
        let outside = tempfile::tempdir().unwrap();
        let site = outside.path().join("site");
        std::fs::create_dir_all(site.join("about")).unwrap();
        for (name, text) in [
            ("index.html", "home"),
            ("about/index.html", "about"),
            (".env", "secret"),
            ("a b.txt", "x"),
        ] {
            std::fs::write(site.join(name), text).unwrap();
        }
        std::fs::write(outside.path().join("secret.txt"), "secret").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.txt"), site.join("link.txt"))
            .unwrap();
        std::os::unix::fs::symlink(outside.path(), site.join("up")).unwrap();
        let site = site.canonicalize().unwrap();
        let found = |path: &str| look(&site, path).unwrap();
        for path in [
            "/",
            "/index.html",
            "/about/",
            "/about/index.html",
            "/a b.txt",
        ] {
            assert!(matches!(found(path), Found::File(_)), "{path}");
        }
        for path in [
            "/.env",
            "/link.txt",
            "/up/secret.txt",
            "/up",
            "/up/",
            "/none",
            "/about/none",
            "/index.html/x",
            "/../secret.txt",
            "/a\0b",
        ] {
            assert!(matches!(found(path), Found::Nothing), "{path}");
        }
        assert!(matches!(found("/about"), Found::Folder(to) if to == "./about/"));
    }

    #[test]
    fn the_api_is_never_a_sites() {
        for path in ["/v1", "/v1/x", "/.well-known/jwks.json"] {
            assert!(is_reserved(path), "{path}");
        }
        for path in ["/", "/v10", "/assets/v1"] {
            assert!(!is_reserved(path), "{path}");
        }
    }

    #[test]
    fn pairs_must_name_a_project_and_a_folder() {
        assert!(Sites::parse(&["shop=.".to_owned()]).is_ok());
        for bad in ["shop", "=.", "Shop=.", "shop=/nowhere/at/all"] {
            assert!(Sites::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
    }
}
