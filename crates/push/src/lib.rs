//! Messages to devices of a project.
