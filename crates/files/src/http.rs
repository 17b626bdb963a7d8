//! A file on the wire: conditions and ranges of requests (RFC 9110, sections 13 and 14), and the headers that keep what
//! users uploaded from running.

use crate::download::Fetched;
use crate::objects::ByteStream;
use crate::rows::file;
use crate::service::Readable;
use crate::sniff;
use crate::upload::Condition;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HttpDate};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError};
use bytes::Bytes;
use futures_util::Stream;
use gate::Problem;
use kernel::Code;
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

const CORP: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
/// Nothing of a file runs, loads or sends, even where a browser takes it for a page.
const INERT: &str = "sandbox; default-src 'none'";
/// Seconds that caches may show to anybody what anybody may read.
const PUBLIC: &str = "public, max-age=60";
/// One's own cache may keep it, and asks each time.
const PRIVATE: &str = "private, no-cache";

/// The strong tag of a file: the first half of its bytes' SHA-256, so that the same bytes have the same tag.
pub(crate) fn etag(sha256: &str) -> String {
    format!("\"{}\"", sha256.get(..32).unwrap_or(sha256))
}

/// When the bytes were last replaced, in whole seconds as HTTP has them.
fn modified(file: &file::Model) -> SystemTime {
    let seconds = u64::try_from(file.updated_at.unix_timestamp()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// The tags of a header such as `If-Match`; `*` is one. Absent without the header.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut tags = None;
    for value in headers.get_all(name) {
        let text = value.to_str().unwrap_or_default();
        let all: &mut Vec<String> = tags.get_or_insert_default();
        all.extend(text.split(',').map(|tag| tag.trim().to_owned()));
    }
    tags
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn date(headers: &HeaderMap, name: HeaderName) -> Option<SystemTime> {
    let date: HttpDate = headers.get(name)?.to_str().ok()?.parse().ok()?;
    Some(date.into())
}

impl Condition {
    /// Of a write's headers. `If-None-Match` takes `*` alone.
    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let headers = request.headers();
        let absent = match tags(headers, &header::IF_NONE_MATCH) {
            None => false,
            Some(tags) if tags == ["*"] => true,
            Some(_) => {
                let problem = Problem::new(Code::BadRequest);
                return Err(problem.detail("If-None-Match takes only * where a file is written."));
            }
        };
        let tags = tags(headers, &header::IF_MATCH);
        Ok(Self { absent, tags })
    }
}

/// What a read asks for beside the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub is_head: bool,
    if_match: Option<Vec<String>>,
    if_none_match: Option<Vec<String>>,
    if_modified_since: Option<SystemTime>,
    if_unmodified_since: Option<SystemTime>,
    range: Option<String>,
    if_range: Option<String>,
}

/// What is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Whole,
    Part(Range<u64>),
    NotModified,
    /// A condition does not hold.
    Failed,
    /// No byte is in the range.
    Outside,
}

impl Verdict {
    /// The bytes that are to be sent, if any are.
    pub(crate) fn range(&self, file: &file::Model) -> Option<Range<u64>> {
        match self {
            Self::Whole => Some(0..file.size_bytes.unsigned_abs()),
            Self::Part(range) => Some(range.clone()),
            _ => None,
        }
    }
}

impl Wanted {
    pub(crate) fn of(request: &HttpRequest) -> Self {
        let headers = request.headers();
        Self {
            is_head: request.method() == actix_web::http::Method::HEAD,
            if_match: tags(headers, &header::IF_MATCH),
            if_none_match: tags(headers, &header::IF_NONE_MATCH),
            if_modified_since: date(headers, header::IF_MODIFIED_SINCE),
            if_unmodified_since: date(headers, header::IF_UNMODIFIED_SINCE),
            range: text(headers, header::RANGE),
            if_range: text(headers, header::IF_RANGE),
        }
    }

    /// In the order of RFC 9110, section 13.2.2.
    pub(crate) fn judge(&self, file: &file::Model) -> Verdict {
        let (tag, modified) = (etag(&file.sha256), modified(file));
        let strong = |tags: &Vec<String>| tags.iter().any(|t| t == "*" || *t == tag);
        let weak = |tags: &Vec<String>| {
            let bare = |t: &String| t.strip_prefix("W/").unwrap_or(t) == tag;
            tags.iter().any(|t| t == "*" || bare(t))
        };
        let holds = match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => strong(tags),
            (None, Some(since)) => modified <= since,
            (None, None) => true,
        };
        if !holds {
            return Verdict::Failed;
        }
        let same = match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => weak(tags),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        };
        if same {
            return Verdict::NotModified;
        }
        let is_current = |validator: &String| match validator.parse::<HttpDate>() {
            Ok(date) => SystemTime::from(date) == modified,
            Err(_) => *validator == tag,
        };
        match &self.range {
            Some(range) if !self.is_head && self.if_range.as_ref().is_none_or(is_current) => {
                part(range, file.size_bytes.unsigned_abs())
            }
            _ => Verdict::Whole,
        }
    }
}

/// The part that a `Range` names. Another unit, a malformed range and several ranges are answered with the whole, as
/// section 14.2 allows.
fn part(range: &str, size: u64) -> Verdict {
    let spec = match range.split_once('=') {
        Some((unit, spec)) if unit.trim().eq_ignore_ascii_case("bytes") => spec.trim(),
        _ => return Verdict::Whole,
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Verdict::Whole;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // What does not fit a u64 is beyond every file.
    let number = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    match (first, last) {
        ("", last) if digits(last) => match number(last) {
            0 => Verdict::Outside,
            _ if size == 0 => Verdict::Outside,
            n => Verdict::Part(size.saturating_sub(n)..size),
        },
        (first, last) if digits(first) && (last.is_empty() || digits(last)) => {
            let start = number(first);
            let end = if last.is_empty() {
                u64::MAX
            } else {
                number(last)
            };
            match (start > end, start >= size) {
                (true, _) => Verdict::Whole,
                (_, true) => Verdict::Outside,
                _ => Verdict::Part(start..end.saturating_add(1).min(size)),
            }
        }
        _ => Verdict::Whole,
    }
}

/// The answer to a read.
pub(crate) fn respond(fetched: Fetched) -> HttpResponse {
    let Fetched {
        file,
        readable,
        verdict,
        bytes,
    } = fetched;
    let size = file.size_bytes.unsigned_abs();
    let (status, range) = match verdict {
        Verdict::Whole => (StatusCode::OK, 0..size),
        Verdict::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Verdict::NotModified => {
            return described(StatusCode::NOT_MODIFIED, &file, readable).finish();
        }
        Verdict::Failed => return Problem::new(Code::PreconditionFailed).error_response(),
        Verdict::Outside => return outside(size),
    };
    let mut response = described(status, &file, readable);
    let is_shown = sniff::is_shown(&file.content_type);
    let content_type = if is_shown {
        &file.content_type
    } else {
        sniff::UNKNOWN
    };
    response
        .insert_header((header::CONTENT_TYPE, content_type))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((
            header::CONTENT_DISPOSITION,
            disposition(is_shown, &file.path),
        ));
    if status == StatusCode::PARTIAL_CONTENT {
        let whole = format!(
            "bytes {}-{}/{size}",
            range.start,
            range.end.saturating_sub(1)
        );
        response.insert_header((header::CONTENT_RANGE, whole));
    }
    let body = FileBody {
        size: range.end - range.start,
        bytes,
    };
    response.body(BoxBody::new(body))
}

fn outside(size: u64) -> HttpResponse {
    let mut response = Problem::new(Code::RangeNotSatisfiable).error_response();
    if let Ok(value) = header::HeaderValue::from_str(&format!("bytes */{size}")) {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    response
}

/// With the headers that every answer of the file has.
fn described(status: StatusCode, file: &file::Model, readable: Readable) -> HttpResponseBuilder {
    let (cache, corp) = match readable {
        // Pages of all origins may show what anybody may read.
        Readable::ByAnybody => (PUBLIC, "cross-origin"),
        _ => (PRIVATE, "same-origin"),
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, etag(&file.sha256)))
        .insert_header((header::LAST_MODIFIED, HttpDate::from(modified(file))))
        .insert_header((header::CACHE_CONTROL, cache))
        .insert_header((header::CONTENT_SECURITY_POLICY, INERT))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((CORP, corp));
    response
}

/// Characters that turn the direction of text, with which `exe.gpj` reads as `jpg.exe`.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `Content-Disposition` (RFC 6266) with the last segment of the path as the name; one that is not plain is told in
/// RFC 8187's encoding too.
fn disposition(is_shown: bool, path: &str) -> String {
    let name: String = path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .chars()
        .map(|c| if turns(c) || c.is_control() { '_' } else { c })
        .collect();
    let is_plain = |c: char| matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%');
    let plain: String = name
        .chars()
        .map(|c| if is_plain(c) { c } else { '_' })
        .collect();
    let kind = if is_shown { "inline" } else { "attachment" };
    if plain == name {
        return format!("{kind}; filename=\"{plain}\"");
    }
    let encode = |b: u8| {
        if b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b) {
            char::from(b).to_string()
        } else {
            format!("%{b:02X}")
        }
    };
    let encoded: String = name.bytes().map(encode).collect();
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Bytes of a known number. A HEAD tells the number and has none of them.
struct FileBody {
    size: u64,
    bytes: Option<ByteStream>,
}

impl MessageBody for FileBody {
    type Error = std::io::Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.size)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        match &mut self.bytes {
            Some(bytes) => Pin::new(bytes).poll_next(context),
            None => Poll::Ready(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_single_and_within_the_file() {
        use Verdict::{Outside, Part, Whole};
        let cases = [
            ("bytes=0-0", 10, Part(0..1)),
            ("bytes=2-", 10, Part(2..10)),
            ("bytes=2-99", 10, Part(2..10)),
            ("bytes=-3", 10, Part(7..10)),
            ("bytes=-99", 10, Part(0..10)),
            ("Bytes=9-9", 10, Part(9..10)),
            ("bytes=10-", 10, Outside),
            ("bytes=99999999999999999999-", 10, Outside),
            ("bytes=0-99999999999999999999", 10, Part(0..10)),
            ("bytes=-0", 10, Outside),
            ("bytes=0-", 0, Outside),
            ("bytes=-1", 0, Outside),
            ("bytes=3-2", 10, Whole),
            ("bytes=0-1,3-4", 10, Whole),
            ("bytes=a-b", 10, Whole),
            ("bytes=+1-2", 10, Whole),
            ("bytes=-", 10, Whole),
            ("bytes", 10, Whole),
            ("lines=0-1", 10, Whole),
        ];
        for (range, size, want) in cases {
            assert_eq!(part(range, size), want, "{range} of {size}");
        }
    }

    #[test]
    fn names_are_told_without_breaking_out() {
        let cases = [
            ("a/b.png", "attachment; filename=\"b.png\""),
            (
                "a\"; x=\"y.png",
                "attachment; filename=\"a_; x=_y.png\"; filename*=UTF-8''a%22%3B%20x%3D%22y.png",
            ),
            (
                "ü.txt",
                "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt",
            ),
            (
                "a\r\nSet-Cookie: x",
                "attachment; filename=\"a__Set-Cookie: x\"",
            ),
            ("\u{202e}gpj.exe", "attachment; filename=\"_gpj.exe\""),
            (
                "100%.txt",
                "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt",
            ),
        ];
        for (path, want) in cases {
            assert_eq!(disposition(false, path), want, "{path:?}");
        }
        assert!(disposition(true, "x").starts_with("inline"));
    }
}
