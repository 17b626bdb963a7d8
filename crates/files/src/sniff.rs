//! What a file is, by its first bytes, and what of that a browser may show.

use crate::model::media_type;

/// The first bytes that tell a file's type.
pub(crate) const HEAD_BYTES: usize = 8_192;

/// What can be played or shown without running: everything else is handed over as an unknown attachment. A list of
/// what is bad would be lost to the next type that browsers learn to run.
const SHOWN: [&str; 20] = [
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "audio/mpeg",
    "audio/m4a",
    "audio/mp4",
    "audio/ogg",
    "audio/opus",
    "audio/x-flac",
    "audio/x-wav",
    "audio/aac",
    "video/mp4",
    "video/x-m4v",
    "video/webm",
    "video/ogg",
    "video/quicktime",
];

/// Whether a browser may show a file of this type in place. Such a type is only ever given by content.
pub(crate) fn is_shown(content_type: &str) -> bool {
    SHOWN.contains(&content_type)
}

/// The type of a file that begins with `head`, was declared as `declared` and lies at `path`.
///
/// What the bytes say wins. Where they say nothing, a declaration is believed unless it claims to be a picture, audio or
/// video: those are known by their bytes, and a limit such as `image/*` must hold of more than a header. The path's
/// ending is asked last.
pub(crate) fn content_type(head: &[u8], declared: Option<&str>, path: &str) -> String {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    if let Some(known) = infer::get(head) {
        return known.mime_type().to_owned();
    }
    let guessed = || mime_guess::from_path(path).first_raw().and_then(media_type);
    declared
        .and_then(media_type)
        .filter(|t| t != UNKNOWN && t != "application/x-www-form-urlencoded")
        .or_else(guessed)
        .filter(|t| is_believable(t))
        .unwrap_or_else(|| UNKNOWN.to_owned())
}

/// What is said of bytes that nobody knows.
pub(crate) const UNKNOWN: &str = "application/octet-stream";

fn is_believable(content_type: &str) -> bool {
    let by_content = ["image/", "audio/", "video/"];
    content_type == "image/svg+xml" || !by_content.iter().any(|kind| content_type.starts_with(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_wins_over_what_is_said_of_it() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let gif = b"GIF89a/*<script>alert(1)</script>*/";
        let html = b"<!DOCTYPE html><script>alert(1)</script>";
        let cases: [(&[u8], Option<&str>, &str, &str); 10] = [
            (png, Some("text/html"), "x.html", "image/png"),
            (gif, Some("text/html"), "x", "image/gif"),
            (html, Some("image/png"), "x.png", "text/html"),
            (b"alert(1)", Some("image/png"), "x.png", UNKNOWN),
            (b"alert(1)", Some("video/mp4;x"), "x.mp4", UNKNOWN),
            (b"alert(1)", None, "x.png", UNKNOWN),
            (b"a,b", Some("text/csv; charset=utf-8"), "x", "text/csv"),
            (b"a,b", None, "x.csv", "text/csv"),
            (b"<svg onload=alert(1)>", None, "x.svg", "image/svg+xml"),
            (b"", Some("nonsense"), "x", UNKNOWN),
        ];
        for (head, declared, path, want) in cases {
            assert_eq!(
                content_type(head, declared, path),
                want,
                "{declared:?} {path}"
            );
        }
        for bad in [
            "image/svg+xml",
            "text/html",
            "application/pdf",
            "text/xml",
            UNKNOWN,
        ] {
            assert!(!is_shown(bad), "{bad}");
        }
    }
}
