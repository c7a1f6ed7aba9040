//! The provider: moto, told that there are two regions, and the command with which people ask it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::Home;
use crate::world::{Server, must, must_run};

/// Where the console looks.
pub(crate) const EAST: &str = "us-east-1";
/// Where the instance runs.
pub(crate) const WEST: &str = "us-west-1";

/// What moto reads to learn which regions there are.
const REGIONS: &str = r#"{"version": 3, "partitions": [{
  "partition": "aws", "partitionName": "Two regions", "dnsSuffix": "amazonaws.com", "regionRegex": "^us-\\w+-\\d+$",
  "defaults": {"hostname": "{service}.{region}.{dnsSuffix}", "protocols": ["https"], "signatureVersions": ["v4"]},
  "regions": {"us-east-1": {"description": "East"}, "us-west-1": {"description": "West"}},
  "services": {
    "ec2": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "autoscaling": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "elasticloadbalancing": {"endpoints": {"us-east-1": {}, "us-west-1": {}}},
    "sts": {"endpoints": {"us-east-1": {}, "us-west-1": {}}}
  }
}]}"#;

/// A provider on loopback.
pub(crate) struct Cloud {
    _server: Server,
    address: String,
    /// A region named here gives no answer.
    silent: PathBuf,
    env: Vec<(&'static str, String)>,
}

impl Cloud {
    /// Starts it, and lets every command of `home` ask it and nobody else.
    pub(crate) fn start(home: &mut Home) -> Self {
        let data = home.path("provider");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("endpoints.json"), REGIONS).unwrap();
        let mut command = Command::new("moto_server");
        command.args(["-H", "127.0.0.1", "-p", "0"]).env("AWS_DATA_PATH", &data).env("PYTHONUNBUFFERED", "1");
        let log = home.path("provider.log");
        let mut server = Server::start(&mut command, &log);
        let address = server.wait("the address of moto", || {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let line = said.lines().find_map(|line| line.split_once("Running on "))?.1.to_owned();
            said.contains("Press CTRL+C").then_some(line)
        });
        let silent = home.path("silent");
        let env = vec![
            ("AWS_ENDPOINT_URL", address.clone()),
            ("AWS_ACCESS_KEY_ID", "testing".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "testing".to_owned()),
            ("AWS_DEFAULT_REGION", EAST.to_owned()),
            ("AWS_CONFIG_FILE", "/dev/null".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_PAGER", String::new()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ];
        for (name, value) in &env {
            home.set(name, value);
        }
        home.set("PATH", format!("{}:{}", wrap(home, &silent).display(), std::env::var("PATH").unwrap()));
        Self { _server: server, address, silent, env }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new("aws");
        command.args(words).envs(self.env.iter().map(|(name, value)| (*name, value)));
        command
    }

    /// As somebody at a shell.
    #[track_caller]
    pub(crate) fn aws(&self, words: &[&str]) -> String {
        must_run(&mut self.command(words))
    }

    /// The same, where no is an answer.
    pub(crate) fn try_aws(&self, words: &[&str]) -> bool {
        let mut command = self.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// An instance with one volume, which goes with it, as it is unless one says otherwise.
    pub(crate) fn launch(&self, region: &str) -> String {
        let query = "Instances[0].InstanceId";
        let image = "ami-12345678";
        self.aws(&[
            "ec2",
            "run-instances",
            "--region",
            region,
            "--image-id",
            image,
            "--query",
            query,
            "--output",
            "text",
        ])
    }

    /// What a list of instances shows there.
    pub(crate) fn instances(&self, region: &str) -> String {
        let query = "Reservations[].Instances[].InstanceId";
        self.aws(&["ec2", "describe-instances", "--region", region, "--query", query, "--output", "text"])
    }

    pub(crate) fn state(&self, region: &str, instance: &str) -> String {
        let query = "Reservations[].Instances[].State.Name";
        let words = ["ec2", "describe-instances", "--region", region, "--instance-ids", instance];
        self.aws(&[&words[..], &["--query", query, "--output", "text"]].concat())
    }

    /// The volumes there are, attached or not.
    pub(crate) fn volumes(&self, region: &str) -> String {
        let query = "Volumes[].VolumeId";
        self.aws(&["ec2", "describe-volumes", "--region", region, "--query", query, "--output", "text"])
    }

    pub(crate) fn snapshot(&self, region: &str, volume: &str) {
        self.aws(&["ec2", "create-snapshot", "--region", region, "--volume-id", volume]);
    }

    /// Meanwhile the provider takes nobody's credentials, as when a session has run out.
    pub(crate) fn locked_out<T>(&self, then: impl FnOnce() -> T) -> T {
        self.free_calls("0");
        let came = then();
        self.free_calls("inf");
        came
    }

    /// How many calls moto answers before it looks at credentials.
    fn free_calls(&self, count: &str) {
        let address = format!("{}/moto-api/reset-auth", self.address);
        // As a form it would not be read.
        must("curl", &["-fsS", "--noproxy", "*", "-H", "Content-Type: text/plain", "-d", count, &address]);
    }

    /// Meanwhile one region gives no answer.
    pub(crate) fn silence<T>(&self, region: &str, then: impl FnOnce() -> T) -> T {
        std::fs::write(&self.silent, region).unwrap();
        let came = then();
        std::fs::remove_file(&self.silent).unwrap();
        came
    }
}

/// The real command, but that a region can be cut off from here.
fn wrap(home: &Home, silent: &Path) -> PathBuf {
    let bin = home.path("bin");
    std::fs::create_dir(&bin).unwrap();
    let real = must("sh", &["-c", "command -v aws"]);
    let script = format!(
        "#!/bin/sh\nfor word; do\n  [ \"$word\" != \"$(cat '{}' 2>/dev/null)\" ] || {{ echo 'connection timed out' >&2; exit 255; }}\n\
         done\nexec '{real}' \"$@\"\n",
        silent.display()
    );
    let file = bin.join("aws");
    std::fs::write(&file, script).unwrap();
    must("chmod", &["755", file.to_str().unwrap()]);
    bin
}
