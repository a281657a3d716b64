"""Models and runs of them that tests speak of."""

from domain import model_runs, models

CODE = "model.shop.{}"


def model(name="daily", **fields):
    known = {"path": f"marts/{name}.sql", "layer": "marts", "schema": "marts", "relation": name}
    known |= {"materialization": "table", "checksum": "c1", "sources": ("orders",)}
    return models.Model(name=name, unique_id=CODE.format(name), **{**known, **fields})


def registered(name="daily", **fields):
    return models.ModelRegistered(model=name, config=model(name, **fields))


def reconfigured(name="daily", *changed, **fields):
    return models.ModelReconfigured(model=name, config=model(name, **fields), changed=changed)


def asked(**fields):
    return model_runs.ModelsRunRequested(**fields)


def followed(*sources, sync=1):
    return asked(sources=sources or ("orders",), syncs=(sync,))


def begun(job):
    return model_runs.ModelsRunStarted(job=job)


def built(job, **fields):
    known = {"models": 1, "tests": 1, "snapshot": 9, "duration_s": 1.5}
    return model_runs.ModelsBuilt(job=job, **{**known, **fields})


def failed(job, **fields):
    known = {"reason": "daily: no", "failed": ("daily",), "snapshot": 9, "duration_s": 1.5}
    return model_runs.ModelsRunFailed(job=job, **{**known, **fields})


def completed(job, name="daily", status="success", **fields):
    known = {"rows": 7, "snapshot": 8, "duration_s": 0.5} if status == "success" else {}
    return model_runs.ModelCompleted(job=job, model=name, status=status, **{**known, **fields})


def checked(job, name, *statuses):
    results = [
        model_runs.TestResult(test=f"test_{number}", status=status)
        for number, status in enumerate(statuses, 1)
    ]
    return model_runs.ModelTested(job=job, model=name, tests=tuple(results))
