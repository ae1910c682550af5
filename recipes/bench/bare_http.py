"""The floor for plain HTTP: a Starlette application, one route, a path parsed, JSON returned. Argument: a port."""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def pet(request: Request) -> JSONResponse:
    return JSONResponse({"id": request.path_params["id"], "name": "Rex", "photoUrls": ["a"], "status": "available"})


if __name__ == "__main__":
    app = Starlette(routes=[Route("/pet/{id:int}", pet)])
    uvicorn.run(app, port=int(sys.argv[1]), log_level="error", access_log=False)
