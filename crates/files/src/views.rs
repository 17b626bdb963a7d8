//! What is sent of buckets and files, and what the document says about requests.

use crate::model::{Bucket, Kind};
use crate::rows::file;
use kernel::Stamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// A file, without its bytes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = File)]
pub struct FileView {
    /// The file. It stays when the bytes are replaced.
    pub id: Uuid,
    /// The bucket that holds it.
    pub bucket: String,
    /// Its path in the bucket.
    pub path: String,
    /// Its size.
    pub size_bytes: i64,
    /// Its type: by its first bytes where they tell, else as it was declared.
    pub content_type: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The user who sent the bytes; null for keys, operators and strangers.
    #[schema(required = true)]
    pub uploader: Option<Uuid>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Option<Stamp>,
    /// When its bytes were last replaced.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Option<Stamp>,
}

impl From<&file::Model> for FileView {
    fn from(row: &file::Model) -> Self {
        Self {
            id: row.id,
            bucket: row.bucket.clone(),
            path: row.path.clone(),
            size_bytes: row.size_bytes,
            content_type: row.content_type.clone(),
            sha256: row.sha256.clone(),
            uploader: row.uploader,
            created_at: Stamp::from_time(row.created_at),
            updated_at: Stamp::from_time(row.updated_at),
        }
    }
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Bucket)]
pub struct BucketView {
    /// Its name.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,58}$")]
    pub name: String,
    /// What its files are for.
    pub kind: Kind,
    /// Who may do what.
    pub rules: BucketRules,
    /// What it takes.
    pub limits: BucketLimits,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Stamp,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Stamp,
}

/// Rules over a file's `id`, `bucket`, `path`, `size_bytes`, `content_type`, `uploader`, `created_at` and `updated_at`.
/// Null means keys and operators only.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BucketRules {
    /// Which files a list shows.
    #[schema(required = false)]
    pub list: Option<String>,
    /// Which files can be read.
    #[schema(required = false)]
    pub view: Option<String>,
    /// Which files can be made.
    #[schema(required = false)]
    pub create: Option<String>,
    /// Which files can be replaced.
    #[schema(required = false)]
    pub update: Option<String>,
    /// Which files can be deleted.
    #[schema(required = false)]
    pub delete: Option<String>,
}

/// What a bucket takes. Null means no limit but the server's.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct BucketLimits {
    /// Bytes of a file at most.
    #[schema(required = false, minimum = 1)]
    pub size_bytes_max: Option<u64>,
    /// Types of files: `image/png`, `image/*`.
    #[schema(required = false, max_items = 100)]
    pub content_types: Option<Vec<String>>,
}

impl From<&Bucket> for BucketView {
    fn from(it: &Bucket) -> Self {
        let rule = |name: &str| it.rules.get(name).cloned();
        Self {
            name: it.name.clone(),
            kind: it.kind,
            rules: BucketRules {
                list: rule("list"),
                view: rule("view"),
                create: rule("create"),
                update: rule("update"),
                delete: rule("delete"),
            },
            limits: BucketLimits {
                size_bytes_max: it.limits.size_bytes_max,
                content_types: it.limits.content_types.clone(),
            },
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// A new bucket.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Bucket::parse` reads")]
pub struct BucketCreate {
    /// Its name.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,58}$")]
    name: String,
    /// What its files are for; `files` unless it is given. It cannot be changed.
    kind: Option<Kind>,
    /// Who may do what; keys and operators alone unless it is given.
    rules: Option<BucketRules>,
    /// What it takes.
    limits: Option<BucketLimits>,
}

/// A change of a bucket. Members that are absent stay.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `Bucket::patch` reads")]
pub struct BucketPatch {
    /// Who may do what.
    rules: Option<BucketRules>,
    /// What it takes.
    limits: Option<BucketLimits>,
}

/// All buckets of the project.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list_buckets` sends")]
pub struct BucketPage {
    /// The buckets by name.
    items: Vec<BucketView>,
    /// Always null: one page holds all.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A page of files.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what `list_files` sends")]
pub struct FilePage {
    /// The page's files, in order.
    items: Vec<FileView>,
    /// Hand this back as `cursor` for the next page; null on the last.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// All of them, on all pages; only when asked for with `count=exact`.
    #[schema(nullable = false)]
    total: Option<u64>,
}

/// What a list of files takes beside.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `FilesQuery::read` reads")]
pub struct FileListParams {
    /// Only paths that begin so.
    prefix: Option<String>,
    /// Only files for which this is true, such as `size_bytes > 1000000 && content_type == "image/png"`.
    filter: Option<String>,
    /// `path`, `created_at`, `updated_at`, `size_bytes`, `content_type` or `id`, each with `-` for descending;
    /// `path` unless it is given.
    sort: Option<String>,
}

/// The bytes of a file.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes a body that is streamed")]
pub struct Bytes(String);
