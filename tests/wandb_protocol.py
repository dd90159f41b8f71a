"""What the stub of the W&B server answers about runs, their files and their artifacts.

Only the operations that wandb 0.31 was seen to send are answered, in the shapes that its queries
ask for. Everything here is called under the lock of `wandb_server.WandbServer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from wandb_told import EVENTS, HISTORY, OUTPUT, SUMMARY, Artifact, Run

Variables = dict[str, Any]
RunKey = tuple[str, str, str]

DEFAULT_ENTITY = "stub-team"

# An init tells these; a later change of the configuration alone leaves all of them out.
FIRST_TOLD = ("groupName", "displayName", "host", "program", "jobType", "tags", "sweep", "notes")


class ProtocolError(Exception):
    """The client asked for something that this stub cannot answer."""


class Protocol:
    """The runs and artifacts of the server.

    Args:
        url: Where files are to be uploaded.
        counts_on_upsert: Whether `UpsertBucket` is answered with the length of the history.
    """

    def __init__(self, url: str, counts_on_upsert: bool) -> None:
        self.url = url
        self.counts_on_upsert = counts_on_upsert
        self.runs: dict[RunKey, Run] = {}
        self.artifacts: dict[str, Artifact] = {}
        self.client_ids: dict[str, str] = {}
        self.answers: dict[str, Callable[[Variables], Any]] = {
            "Viewer": _viewer,
            "GetDefaultEntity": _viewer,
            "ServerFeaturesQuery": lambda _: {"serverInfo": {"features": []}},
            "OrganizationCoreWeaveOrganizationID": lambda _: {"entity": {"organization": None}},
            "UpsertBucket": self._upsert_run,
            "RunResumeStatus": self._resume_status,
            "CreateRunFiles": self._create_run_files,
            "MarkRunFilesUploaded": lambda _: {"markRunFilesUploaded": {"success": True}},
            "ArtifactType": self._artifact_type,
            "ArtifactByID": self._artifact_by_id,
            "CreateArtifact": self._create_artifact,
            "CreateArtifactManifest": self._create_manifest,
            "CreateArtifactFiles": self._create_artifact_files,
            "CommitArtifact": self._commit_artifact,
            "UseArtifact": self._use_artifact,
            "ClientIDMapping": self._client_id,
        }

    def stream(self, key: RunKey, body: dict[str, Any]) -> None:
        """Take one piece of a run's stream: its lines replace those from its offset on.

        Lines beyond the piece stay, as on the real server (wandb issue 3424, pull request 3933).
        """
        run = self.run(key)
        for name, piece in body.get("files", {}).items():
            lines, offset = run.streams.setdefault(name, []), piece["offset"]
            if offset > len(lines):
                raise ProtocolError(f"{name} has {len(lines)} lines, so none can follow {offset}")
            lines[offset : offset + len(piece["content"])] = piece["content"]
        if body.get("complete"):
            run.complete, run.exit_code = True, body["exitcode"]

    def upload(self, names: list[str], content: bytes) -> None:
        """Keep a file that was put to an address of `CreateRunFiles` or of an artifact."""
        match names:
            case ["run-file", entity, project, run_id, *path]:
                self.run((entity, project, run_id)).files["/".join(path)] = content
            case ["artifact-file", artifact_id, *path]:
                self.artifacts[artifact_id].stored["/".join(path)] = content
            case ["manifest", artifact_id]:
                self.artifacts[artifact_id].manifest = json.loads(content)
            case _:
                raise ProtocolError(f"nothing is stored at /{'/'.join(names)}")

    def run(self, key: RunKey) -> Run:
        """The run of an entity, a project and an id."""
        if key not in self.runs:
            raise ProtocolError(f"there is no run {'/'.join(key)}")
        return self.runs[key]

    def _upsert_run(self, variables: Variables) -> Any:
        key = (
            variables["entity"] or DEFAULT_ENTITY,
            variables["project"] or "uncategorized",
            variables["name"],
        )
        is_new = key not in self.runs
        run = self.runs.setdefault(key, Run(key[2], key[0], key[1]))
        told = {name: variables[name] for name in FIRST_TOLD if variables[name] is not None}
        run.told |= told
        # A change of tags or names comes with the run's storage id; so does the init of a resumed
        # run. An init without an entity cannot have had an answer before.
        is_init = variables["id"] is None and (told or variables["entity"] is None)
        if is_new or is_init or run.is_resuming:
            run.n_begun += 1
            run.complete, run.exit_code, run.is_resuming = False, None, False
        if variables["config"]:
            run.config = json.loads(variables["config"])
        bucket = _bucket(run) | {"project": _project(run)}
        if not self.counts_on_upsert:
            bucket["historyLineCount"] = None
        return {"upsertBucket": {"bucket": bucket, "inserted": is_new}}

    def _resume_status(self, variables: Variables) -> Any:
        entity = variables["entity"] or DEFAULT_ENTITY
        run = self.runs.get((entity, variables["project"], variables["name"]))
        if run is None:
            return {"model": None}
        run.is_resuming = True
        started = {"t": run.values["_wandb"]["t"]}
        bucket = _bucket(run) | {
            "summaryMetrics": (run.lines(SUMMARY) or ["{}"])[-1],
            "logLineCount": len(run.lines(OUTPUT)),
            "eventsLineCount": len(run.lines(EVENTS)),
            "historyTail": json.dumps(run.lines(HISTORY)[-1:]),
            "eventsTail": json.dumps(run.lines(EVENTS)[-1:]),
            "tags": run.told.get("tags", []),
            "notes": run.told.get("notes"),
            "wandbConfig": json.dumps(started),
        }
        return {"model": _project(run) | {"bucket": bucket}}

    def _create_run_files(self, variables: Variables) -> Any:
        run = self.run((variables["entity"], variables["project"], variables["run"]))
        base = f"{self.url}/run-file/{quote(run.entity)}/{quote(run.project)}/{quote(run.id)}"
        files = [
            {"name": name, "uploadUrl": f"{base}/{quote(name)}"} for name in variables["files"]
        ]
        created = {"runID": f"stub-run-{run.id}", "uploadHeaders": [], "files": files}
        return {"createRunFiles": created}

    def _committed(self, name: str) -> list[Artifact]:
        """The versions of an artifact, oldest first."""
        known = self.artifacts.values()
        return [artifact for artifact in known if artifact.committed and artifact.name == name]

    def _artifact_type(self, variables: Variables) -> Any:
        versions = self._committed(variables["name"].partition(":")[0])
        known = {"artifactType": {"name": versions[-1].type}} if versions else None
        return {"project": {"artifact": known}}

    def _artifact_by_id(self, variables: Variables) -> Any:
        artifact = self.artifacts[variables["id"]]
        project = {
            "id": f"stub-project-{artifact.project}",
            "internalId": f"stub-project-{artifact.project}",
            "name": artifact.project,
            "entity": {"name": artifact.entity},
        }
        sequence = {"__typename": "ArtifactSequence", "name": artifact.name, "project": project}
        aliases = [
            {"__typename": "ArtifactAlias", "id": alias, "alias": alias}
            | {"artifactCollection": sequence}
            for alias in artifact.aliases
        ]
        node = {
            "__typename": "Artifact",
            "id": artifact.id,
            "artifactSequence": sequence,
            "versionIndex": self._committed(artifact.name).index(artifact),
            "artifactType": {"name": artifact.type},
            "description": artifact.description,
            "metadata": json.dumps(artifact.metadata),
            "ttlDurationSeconds": 0,
            "ttlIsInherited": True,
            "tags": [],
            "historyStep": None,
            "state": "COMMITTED",
            "size": sum(len(content) for content in artifact.stored.values()),
            "digest": artifact.digest,
            "digestAlgorithm": "MANIFEST_MD5",
            "commitHash": None,
            "fileCount": len(artifact.stored),
            "createdAt": "2026-01-01T00:00:00Z",
            "updatedAt": None,
            "aliases": aliases,
        }
        return {"artifact": node}

    def _create_artifact(self, variables: Variables) -> Any:
        given = variables["input"]
        # An artifact of a run that was offline names no team, one that is only used no run.
        given["entityName"] = given["entityName"] or DEFAULT_ENTITY
        versions = self._committed(given["artifactCollectionName"])
        same = [artifact for artifact in versions if artifact.digest == given["digest"]]
        artifact = same[-1] if same else self._new_artifact(given)
        if given["runName"]:
            run = self.run((given["entityName"], given["projectName"], given["runName"]))
            run.artifacts += [] if artifact in run.artifacts else [artifact]
        self.client_ids[given["clientID"]] = artifact.id
        latest = {"latestArtifact": {"id": versions[-1].id} if versions else None}
        state = "COMMITTED" if same else "PENDING"
        created = {"id": artifact.id, "state": state, "artifactSequence": latest}
        return {"createArtifact": {"artifact": created}}

    def _new_artifact(self, given: Variables) -> Artifact:
        artifact = Artifact(
            id=f"stub-artifact-{len(self.artifacts) + 1}",
            entity=given["entityName"],
            project=given["projectName"],
            name=given["artifactCollectionName"],
            type=given["artifactTypeName"],
            digest=given["digest"],
            description=given["description"],
            metadata=json.loads(given["metadata"] or "{}"),
            aliases=tuple(alias["alias"] for alias in given["aliases"] or []),
        )
        self.artifacts[artifact.id] = artifact
        return artifact

    def _create_manifest(self, variables: Variables) -> Any:
        artifact_id = variables["artifactID"]
        file = {"id": f"{artifact_id}-manifest", "uploadHeaders": []}
        if variables["includeUpload"]:
            file["uploadUrl"] = f"{self.url}/manifest/{artifact_id}"
        return {"createArtifactManifest": {"artifactManifest": {"id": artifact_id, "file": file}}}

    def _create_artifact_files(self, variables: Variables) -> Any:
        edges = []
        for given in variables["input"]["artifactFiles"]:
            path = f"artifact-file/{given['artifactID']}/{quote(given['name'])}"
            node = {
                "storagePath": path,
                "uploadUrl": f"{self.url}/{path}",
                "uploadHeaders": [],
                "uploadMultipartUrls": None,
                "artifact": {"id": given["artifactID"]},
            }
            edges.append({"node": node})
        return {"createArtifactFiles": {"files": {"edges": edges}}}

    def _commit_artifact(self, variables: Variables) -> Any:
        artifact = self.artifacts[variables["artifactID"]]
        artifact.committed = True
        return {"commitArtifact": {"artifact": {"id": artifact.id, "digest": artifact.digest}}}

    def _use_artifact(self, variables: Variables) -> Any:
        return {"useArtifact": {"artifact": {"id": variables["input"]["artifactID"]}}}

    def _client_id(self, variables: Variables) -> Any:
        server_id = self.client_ids.get(variables["clientID"])
        return {"clientIDMapping": {"serverID": server_id} if server_id else None}


def _viewer(_: Variables) -> Any:
    return {
        "viewer": {
            "id": "stub-viewer",
            "entity": DEFAULT_ENTITY,
            "username": "stub",
            "email": "stub@localhost",
            "flags": "{}",
            "teams": {"edges": [{"node": {"name": DEFAULT_ENTITY}}]},
        }
    }


def _bucket(run: Run) -> dict[str, Any]:
    return {
        "id": f"stub-run-{run.id}",
        "name": run.id,
        "displayName": run.told.get("displayName", run.id),
        "description": None,
        "config": json.dumps(run.config),
        "sweepName": run.told.get("sweep"),
        "historyLineCount": len(run.lines(HISTORY)),
    }


def _project(run: Run) -> dict[str, Any]:
    entity = {"id": f"stub-entity-{run.entity}", "name": run.entity}
    return {"id": f"stub-project-{run.project}", "name": run.project, "entity": entity}
