//! Errors in the OpenAPI documents: one schema with the published codes, and the responses that operations share.

use kernel::Code;
use std::collections::BTreeMap;
use utoipa::openapi::schema::{
    ArrayBuilder, KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema, ToSchema};

/// The name of the problem's schema.
const NAME: &str = "Problem";

/// The schema of every error's body.
pub struct ProblemSchema;

impl PartialSchema for ProblemSchema {
    fn schema() -> RefOr<Schema> {
        let text = |description: &str| {
            ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(description))
        };
        let count = |description: &str| {
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(0))
                .description(Some(description))
        };
        let codes = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("A stable word for programs. More may be added."))
            .enum_values(Some(Code::ALL.iter().map(|code| code.as_str())));
        let fault = ObjectBuilder::new()
            .property(
                "path",
                text("A JSON pointer into the body, or `?name` for a query parameter"),
            )
            .property("code", text("A stable word for programs"))
            .property("message", text("A sentence for people"))
            .required("path")
            .required("code")
            .required("message");
        let status = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
            .description(Some("The HTTP status"));
        ObjectBuilder::new()
            .description(Some("What went wrong (RFC 9457)"))
            .property(
                "type",
                text("Names the kind of problem: the code, as a path"),
            )
            .property(
                "title",
                text("A short sentence, the same for every occurrence"),
            )
            .property("status", status)
            .property("code", codes)
            .property("detail", text("A sentence about this occurrence"))
            .property("request_id", text("Names the request in the logs"))
            .property(
                "errors",
                ArrayBuilder::new()
                    .items(fault)
                    .max_items(Some(crate::problem::FAULTS_MAX))
                    .description(Some("The faults of single values, the first of them")),
            )
            .property("hint", text("Advice for the developer"))
            .property(
                "offset",
                count("Where in the filter the fault begins, in characters"),
            )
            .property("length", count("How many characters of the filter it has"))
            .required("type")
            .required("title")
            .required("status")
            .required("code")
            .required("request_id")
            .into()
    }
}

impl ToSchema for ProblemSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        NAME.into()
    }
}

/// What each status means, whatever the operation.
const MEANINGS: [(u16, &str); 17] = [
    (
        400,
        "Malformed, or it names what does not exist or may not be named",
    ),
    (
        401,
        "Nobody is signed in, or the credential is not good here",
    ),
    (403, "Signed in, but this is not allowed"),
    (404, "Absent or invisible"),
    (405, "The method is not allowed here"),
    (408, "The body did not arrive in time"),
    (409, "The state of things forbids it"),
    (412, "A condition of the request does not hold"),
    (413, "More bytes than allowed"),
    (415, "The body's type or coding is not supported"),
    (416, "No byte is in the range"),
    (422, "One or more values are not valid"),
    (429, "Too many requests"),
    (500, "A fault of ours"),
    (503, "Not available at the moment"),
    (504, "It took too long"),
    (507, "There is no room left"),
];

/// Every error an operation can answer, as `application/problem+json`. Stands among the `responses` of a path.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problem_responses(&[
            400, 401, 403, 404, 408, 409, 412, 413, 415, 422, 429, 500, 503, 507,
        ])
    }
}

/// The errors of an operation that only reads.
pub struct ReadProblems;

impl IntoResponses for ReadProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problem_responses(&[400, 401, 403, 404, 413, 415, 429, 500, 503])
    }
}

/// Responses of these statuses, each a problem.
#[must_use]
pub fn problem_responses(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let meaning = |status: &u16| {
        MEANINGS
            .iter()
            .find(|(s, _)| s == status)
            .map_or("An error", |(_, text)| *text)
    };
    statuses
        .iter()
        .map(|status| {
            (
                status.to_string(),
                RefOr::T(problem_response(meaning(status))),
            )
        })
        .collect()
}

fn problem_response(description: &str) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(NAME)))
        .build();
    ResponseBuilder::new()
        .description(description)
        .content("application/problem+json", content)
        .build()
}

/// Completes a document: the problem's schema, the bearer scheme, and for each operation the errors it does not name.
/// Operations without a `security` of their own need the bearer; public ones say `security(())`.
pub fn complete(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    components
        .schemas
        .insert(NAME.to_owned(), ProblemSchema::schema());
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A user's access token, a project key (`gk_...`), or an operator's session (`go_...`)",
        ))
        .build();
    components
        .security_schemes
        .insert("bearer".to_owned(), SecurityScheme::Http(bearer).into());
    let needs = utoipa::openapi::SecurityRequirement::new::<_, [&str; 0], &str>("bearer", []);
    for (_, item) in document.paths.paths.iter_mut() {
        let reads = [&mut item.get, &mut item.head]
            .into_iter()
            .map(|o| (o, true));
        let writes = [
            &mut item.post,
            &mut item.put,
            &mut item.patch,
            &mut item.delete,
        ]
        .into_iter()
        .map(|o| (o, false));
        for (operation, reads) in reads.chain(writes) {
            let Some(operation) = operation else { continue };
            operation
                .security
                .get_or_insert_with(|| vec![needs.clone()]);
            let problems = if reads {
                ReadProblems::responses()
            } else {
                Problems::responses()
            };
            for (status, response) in problems {
                operation
                    .responses
                    .responses
                    .entry(status)
                    .or_insert(response);
            }
        }
    }
}
