//! The command line: what can be said, and where it is done: here, or by the server that holds the data directory.

use crate::commands::Command;
use crate::config::{Config, default_data_dir};
use crate::data_dir::{DataDir, DataDirError};
use crate::serve::Serving;
use crate::sites::Sites;
use crate::wiring::Services;
use crate::worker::Wake;
use crate::{commands, control, demo, serve};
use clap::{Args, Parser, Subcommand};
use std::io::{BufRead, Write};
use std::path::PathBuf;

/// A complete, self-hosted backend in one binary.
#[derive(Parser)]
#[command(
    name = "galley",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    /// The folder that holds databases, keys and files.
    #[arg(long, global = true, env = "GALLEY_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    data_dir: PathBuf,
    /// A TOML file with settings; config/galley.toml lists them all.
    #[arg(long, global = true, env = "GALLEY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the server.
    Serve(Listen),
    /// Run the server with two example projects: shop, a catalogue of films, and blog.
    Demo(Listen),
    /// Create, list, rename, suspend and resume projects.
    #[command(subcommand)]
    Project(ProjectVerb),
    /// Add, list and remove operators: the people who run the instance.
    #[command(subcommand)]
    Operator(OperatorVerb),
    /// Create, list and revoke project keys.
    #[command(subcommand)]
    Key(KeyVerb),
    /// Print the OpenAPI document of the instance, or of a project.
    Openapi {
        /// The project's id.
        #[arg(long, value_name = "ID")]
        project: Option<String>,
    },
    /// Print the settings that are in force, or all defaults with their meaning.
    Config {
        /// Print every setting with its default and its meaning.
        #[arg(long)]
        defaults: bool,
    },
}

#[derive(Args)]
struct Listen {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Serve a folder as a project's site, on the project's own host. Repeat for more.
    #[arg(long, value_name = "PROJECT=FOLDER")]
    site: Vec<String>,
}

#[derive(Subcommand)]
enum ProjectVerb {
    /// Create a project.
    Create {
        /// Its id in addresses: 3 to 40 of a-z, 0-9 and -, beginning with a letter.
        id: String,
        /// The name that people read.
        #[arg(long)]
        name: Option<String>,
    },
    /// List all projects.
    List,
    /// Give a project another name.
    Rename {
        /// The project's id.
        id: String,
        /// The name that people read.
        name: String,
    },
    /// Refuse all requests to a project.
    Suspend {
        /// The project's id.
        id: String,
    },
    /// Take a project's requests again.
    Resume {
        /// The project's id.
        id: String,
    },
}

#[derive(Subcommand)]
enum OperatorVerb {
    /// Add an operator who owns the instance. The password is read from standard input.
    Create {
        /// The e-mail address.
        #[arg(long)]
        email: String,
        /// Read the password from standard input; there is no other way to give it.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// List all operators.
    List,
    /// Remove an operator.
    Delete {
        /// The operator's id.
        id: String,
    },
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Create a key and print it. It is shown only this once.
    Create {
        /// The project's id.
        #[arg(long)]
        project: String,
        /// What the key may do: records.read, records.*, or * for everything. Repeat for more.
        #[arg(long, required = true)]
        scope: Vec<String>,
        /// The name that people read.
        #[arg(long, default_value = "made at the command line")]
        name: String,
        /// When it ends, such as 2027-01-01T00:00:00Z. Without it the key does not end.
        #[arg(long)]
        expires_at: Option<String>,
    },
    /// List a project's keys, without the keys themselves.
    List {
        /// The project's id.
        #[arg(long)]
        project: String,
    },
    /// Revoke a key.
    Revoke {
        /// The project's id.
        #[arg(long)]
        project: String,
        /// The key's id.
        id: String,
    },
}

/// Reads the command line and does what it says.
pub fn run() -> Result<(), String> {
    let cli = Cli::parse();
    let (command, data_dir) = (cli.command, cli.data_dir);
    if let Verb::Config { defaults: true } = command {
        return print(&Config::reference());
    }
    let config_file = cli.config;
    let mut config = Config::read(config_file.as_deref())?;
    match command {
        Verb::Serve(listen) => {
            config.server.listen = listen.listen.unwrap_or(config.server.listen);
            serve::run(
                config,
                &data_dir,
                Serving {
                    sites: Sites::parse(&listen.site)?,
                    demo: false,
                    config_file,
                },
            )
        }
        Verb::Demo(listen) => {
            config.server.listen = listen.listen.unwrap_or(config.server.listen);
            demo::check(&config)?;
            serve::run(
                config,
                &data_dir,
                Serving {
                    sites: Sites::parse(&listen.site)?,
                    demo: true,
                    config_file,
                },
            )
        }
        Verb::Config { .. } => print(&commands::effective(&config)),
        Verb::Project(verb) => say(&config, &data_dir, project(verb)),
        Verb::Operator(verb) => say(&config, &data_dir, operator(verb)?),
        Verb::Key(verb) => say(&config, &data_dir, key(verb)),
        Verb::Openapi { project } => say(&config, &data_dir, Command::Openapi { project }),
    }
}

fn project(verb: ProjectVerb) -> Command {
    match verb {
        ProjectVerb::Create { id, name } => Command::ProjectCreate {
            name: name.unwrap_or_else(|| id.clone()),
            id,
        },
        ProjectVerb::List => Command::ProjectList,
        ProjectVerb::Rename { id, name } => Command::ProjectRename { id, name },
        ProjectVerb::Suspend { id } => Command::ProjectSuspend {
            id,
            suspended: true,
        },
        ProjectVerb::Resume { id } => Command::ProjectSuspend {
            id,
            suspended: false,
        },
    }
}

fn operator(verb: OperatorVerb) -> Result<Command, String> {
    Ok(match verb {
        OperatorVerb::Create { email, .. } => {
            let mut password = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut password)
                .map_err(|e| format!("standard input: {e}"))?;
            let password = password.trim_end_matches(['\n', '\r']).to_owned();
            Command::OperatorCreate { email, password }
        }
        OperatorVerb::List => Command::OperatorList,
        OperatorVerb::Delete { id } => Command::OperatorDelete { id },
    })
}

fn key(verb: KeyVerb) -> Command {
    match verb {
        KeyVerb::Create {
            project,
            scope,
            name,
            expires_at,
        } => Command::KeyCreate {
            project,
            scopes: scope,
            name,
            expires_at,
        },
        KeyVerb::List { project } => Command::KeyList { project },
        KeyVerb::Revoke { project, id } => Command::KeyRevoke { project, id },
    }
}

/// Does a command here if nobody holds the data directory, else has the server do it: it alone writes, and its caches
/// stay true.
fn say(config: &Config, data_dir: &std::path::Path, command: Command) -> Result<(), String> {
    let answer = actix_web::rt::System::new().block_on(async {
        let held = match DataDir::open(data_dir) {
            Ok(held) => held,
            Err(DataDirError::Broken(text)) => return Err(text),
            Err(DataDirError::Locked) => return control::ask(data_dir, &command).await,
        };
        let services = Services::open(
            config,
            held.path(),
            &serve::public_url(config, &config.server.listen),
            // A server that starts later looks at every project.
            &Wake::new().0,
        )
        .await?;
        commands::run(&services, command).await
    })?;
    print(&answer)
}

fn print(text: &str) -> Result<(), String> {
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{text}{end}").as_bytes())
        .and_then(|()| out.flush())
        .map_err(|e| format!("standard output: {e}"))
}
