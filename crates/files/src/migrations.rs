//! The tables of files in a project's database: buckets, files, and which fields of records hold them.

use sea_orm::DbBackend;
use store::{Ddl, Step};

/// The steps, in order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        name: "files/1-tables",
        up: tables,
    },
    Step {
        name: "files/2-many-files-of-a-field",
        up: many,
    },
    Step {
        name: "files/3-files-of-a-user",
        up: of_a_user,
    },
];

fn tables(ddl: &mut Ddl) {
    let (id, json, time, text) = match ddl.backend() {
        DbBackend::Sqlite => (
            "uuid_text",
            "json_text",
            "timestamp_with_timezone_text",
            "text",
        ),
        // Texts are ordered by their bytes on both engines.
        _ => ("uuid", "jsonb", "timestamptz", "text COLLATE \"C\""),
    };
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_buckets" (name {text} PRIMARY KEY NOT NULL, kind text NOT NULL, definition {json} NOT NULL,
           version bigint NOT NULL, created_at {time} NOT NULL, updated_at {time} NOT NULL)"#
    ));
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_files" (id {id} PRIMARY KEY NOT NULL, bucket {text} NOT NULL REFERENCES "project"."_buckets" (name),
           path {text} NOT NULL, object {id} NOT NULL UNIQUE, size_bytes bigint NOT NULL, content_type {text} NOT NULL,
           sha256 text NOT NULL, uploader {id}, created_at {time} NOT NULL, updated_at {time} NOT NULL, UNIQUE (bucket, path))"#
    ));
    ddl.raw(r#"CREATE INDEX "_files_age" ON "project"."_files" (bucket, updated_at)"#);
    // A file may be held by many fields.
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_file_owners" (collection {text} NOT NULL, record {id} NOT NULL, field {text} NOT NULL,
           file {id} NOT NULL REFERENCES "project"."_files" (id), claimed_by {id}, PRIMARY KEY (collection, record, field))"#
    ));
    ddl.raw(r#"CREATE INDEX "_file_owners_file" ON "project"."_file_owners" (file)"#);
}

/// A field may hold many files: the file is part of the key. Neither engine's way to change a key is the other's, so the
/// rows move to a new table.
fn many(ddl: &mut Ddl) {
    let (id, text) = match ddl.backend() {
        DbBackend::Sqlite => ("uuid_text", "text"),
        _ => ("uuid", "text COLLATE \"C\""),
    };
    ddl.raw(r#"DROP INDEX "project"."_file_owners_file""#);
    ddl.raw(r#"ALTER TABLE "project"."_file_owners" RENAME TO "_file_owners_before""#);
    ddl.raw(format!(
        r#"CREATE TABLE "project"."_file_owners" (collection {text} NOT NULL, record {id} NOT NULL, field {text} NOT NULL,
           file {id} NOT NULL REFERENCES "project"."_files" (id), claimed_by {id}, CONSTRAINT "_file_owners_key" PRIMARY KEY (collection, record, field, file))"#
    ));
    ddl.raw(r#"INSERT INTO "project"."_file_owners" SELECT collection, record, field, file, claimed_by FROM "project"."_file_owners_before""#);
    ddl.raw(r#"DROP TABLE "project"."_file_owners_before""#);
    ddl.raw(r#"CREATE INDEX "_file_owners_file" ON "project"."_file_owners" (file)"#);
}

/// Who is erased is looked for as the uploader and as who bound files.
fn of_a_user(ddl: &mut Ddl) {
    ddl.raw(r#"CREATE INDEX "_files_uploader" ON "project"."_files" (uploader)"#);
    ddl.raw(r#"CREATE INDEX "_file_owners_claimed" ON "project"."_file_owners" (claimed_by)"#);
}
