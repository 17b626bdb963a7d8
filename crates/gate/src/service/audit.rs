//! The audit logs, read newest first.

use super::{Gate, page, read_cursor};
use crate::query::ListQuery;
use crate::rows::audit::{self, Log};
use crate::views::AuditView;
use crate::{Problem, Project};
use kernel::Page;

impl Gate {
    /// The acts at the instance.
    pub async fn list_instance_audit(&self, query: &ListQuery) -> Result<Page<AuditView>, Problem> {
        let before = self.after("audit", query.cursor.as_deref())?;
        let rows = audit::page(&self.0.db, Log::Instance, before, query.fetch()).await?;
        let mut page = self.page("audit", query.limit, rows, |r| r.id, AuditView::from);
        if query.count {
            page.total = Some(audit::count(&self.0.db, Log::Instance).await?);
        }
        Ok(page)
    }

    /// The acts in a project.
    pub async fn list_audit(
        &self,
        project: &Project,
        query: &ListQuery,
    ) -> Result<Page<AuditView>, Problem> {
        let key = project.cursor_key();
        let before = query
            .cursor
            .as_deref()
            .map(|cursor| read_cursor(key, "audit", cursor))
            .transpose()?;
        let rows = audit::page(&project.db, Log::Project, before, query.fetch()).await?;
        let mut page = page(key, "audit", query.limit, rows, |r| r.id, AuditView::from);
        if query.count {
            page.total = Some(audit::count(&project.db, Log::Project).await?);
        }
        Ok(page)
    }
}
