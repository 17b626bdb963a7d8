//! Limits that more than one crate must agree on, so that the document, the parser and the tests say the same number.

/// The largest integer a JSON number carries exactly, 2^53 - 1; the smallest is its negative.
pub const INTEGER_MAX: i64 = 9_007_199_254_740_991;
/// Records of a page when a list names no limit.
pub const PAGE_DEFAULT: u32 = 30;
/// Records of a page at most.
pub const PAGE_MAX: u32 = 1_000;
/// Bytes of a JSON request body at most.
pub const BODY_BYTES_MAX: usize = 1_048_576;
/// Nesting of a JSON request body at most.
pub const JSON_DEPTH_MAX: usize = 32;
/// Bytes of a response with records at most.
pub const RESPONSE_BYTES_MAX: usize = 16 * 1_048_576;
/// Fields of a collection at most.
pub const FIELDS_MAX: usize = 200;
/// Operations of one batch at most.
pub const BATCH_OPERATIONS_MAX: usize = 1_000;
