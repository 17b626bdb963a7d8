//! Files of a project: buckets, uploads and downloads.
