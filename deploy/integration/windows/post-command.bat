@echo off
rem post-command.bat VMID: after the save, also a failed one. An example that the tests of vmkops do not run: try it before
rem you rely on it. It runs generic/post-command on the host of the service. The exit statuses are those of that script.
setlocal
rem Correct these two as in pre-command.bat.
set VMKOPS_HOST=backup@vmkops.example.com
set VCBDIR=/etc/vmkops/integration
if "%~1"=="" (echo usage: post-command.bat VMID>&2 & exit /b 2)
ssh -o BatchMode=yes %VMKOPS_HOST% "'%VCBDIR%/generic/post-command' '%~1'"
set STATUS=%ERRORLEVEL%
if "%STATUS%"=="255" exit /b 3
exit /b %STATUS%
