//! The address of a warehouse: `clickhouse://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE?cluster=NAME`.

use anyhow::{Context as _, bail, ensure};
use percent_encoding::percent_decode_str;

/// The port of ClickHouse's HTTP interface.
const DEFAULT_PORT: u16 = 8123;
/// The port of its HTTP interface with TLS.
const DEFAULT_TLS_PORT: u16 = 8443;

/// A parsed address.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WarehouseUrl {
    /// `HOST:PORT` of the HTTP interface of one server per shard.
    pub hosts: Vec<String>,
    pub user: String,
    pub password: String,
    pub database: String,
    pub cluster: String,
    pub tls: bool,
}

impl WarehouseUrl {
    /// Parses an address. No error repeats a part of it, because it may contain a password.
    ///
    /// # Errors
    /// What is missing or not valid.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        Self::parse_parts(text).context(
            "WAREHOUSE_URL must be like clickhouse://USER:PASSWORD@HOST:8123,HOST:8123/DATABASE?cluster=NAME, with one \
             host per shard; in the password, write % and other special characters as %25 and so on",
        )
    }

    fn parse_parts(text: &str) -> anyhow::Result<Self> {
        let rest = text.strip_prefix("clickhouse://").context("it does not begin with clickhouse://")?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').context("it has no database")?;
        let (login, hosts) = authority.rsplit_once('@').unwrap_or(("default", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, ""));
        let decode = |text| percent_decode_str(text).decode_utf8().context("the user or password is not UTF-8");
        let (mut cluster, mut tls) = (String::new(), false);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match (&*name, &*value) {
                ("cluster", name) => name.clone_into(&mut cluster),
                ("secure", "true") => tls = true,
                ("secure", "false") => {}
                _ => bail!("it has a parameter that is not valid; valid are cluster and secure (true or false)"),
            }
        }
        ensure!(is_name(database), "the database must be a name of letters, digits and _");
        ensure!(is_name(&cluster), "it needs cluster=NAME, a name of letters, digits and _");
        let default_port = if tls { DEFAULT_TLS_PORT } else { DEFAULT_PORT };
        let hosts: Vec<String> =
            hosts.split(',').map(|host| with_port(host, default_port)).collect::<anyhow::Result<_>>()?;
        Ok(Self {
            hosts,
            user: decode(user)?.into_owned(),
            password: decode(password)?.into_owned(),
            database: database.to_owned(),
            cluster,
            tls,
        })
    }
}

/// Whether a text can stand in a statement as a name, without quotes.
fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|other| other.is_ascii_alphanumeric() || other == '_')
}

fn with_port(host: &str, default: u16) -> anyhow::Result<String> {
    let parsed = url::Url::parse(&format!("http://{host}")).ok().filter(|parsed| parsed.path() == "/");
    let parsed = parsed.filter(|parsed| parsed.username().is_empty() && parsed.query().is_none());
    let parsed = parsed.context("a host is not valid")?;
    let name = parsed.host_str().context("a host is empty")?;
    // `Url` leaves out the port 80, which is that of its scheme.
    let port = parsed.port().unwrap_or(if host.ends_with(":80") { 80 } else { default });
    Ok(format!("{name}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_host_per_shard() {
        let url = WarehouseUrl::parse("clickhouse://spots:p%40ss@one:9000,two,[::1]:80/data?cluster=main").unwrap();
        assert_eq!(url.hosts, ["one:9000", "two:8123", "[::1]:80"]);
        assert_eq!((url.user.as_str(), url.password.as_str()), ("spots", "p@ss"));
        assert_eq!((url.database.as_str(), url.cluster.as_str(), url.tls), ("data", "main", false));
        assert_eq!(WarehouseUrl::parse("clickhouse://h/d?cluster=c&secure=true").unwrap().hosts, ["h:8443"]);
    }

    #[test]
    fn an_invalid_address_is_rejected_without_repeating_it() {
        for url in [
            "http://spots:geheim@one/data?cluster=main",
            "clickhouse://spots:geheim@one?cluster=main",
            "clickhouse://spots:geheim@one/data",
            "clickhouse://spots:geheim@one/da-ta?cluster=main",
            "clickhouse://spots:geheim@one/data?cluster=a;geheim",
            "clickhouse://spots:geheim@one/data?cluster=main&x=geheim",
            "clickhouse://spots:ge/heim@one/data?cluster=main",
            "clickhouse://spots:geheim@one:x/data?cluster=main",
            "clickhouse://spots:geheim@,/data?cluster=main",
        ] {
            let error = WarehouseUrl::parse(url).err().unwrap();
            assert!(!format!("{error:#}").contains("heim"), "{error:#}");
        }
    }
}
