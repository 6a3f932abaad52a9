@echo off
rem pre-command.bat VMID [TYPE]: before a backup product on Windows saves a VM. An example that the tests of vmkops do not
rem run: try it before you rely on it. It runs generic/pre-command on the host of the service over OpenSSH, and prints the
rem VM's folder in the share. VMID and TYPE have no quotation marks. The exit statuses are those of generic/pre-command.
setlocal
rem Correct these three: the SSH account, the folder of the scripts there, and BACKUPROOT as this computer sees it.
set VMKOPS_HOST=backup@vmkops.example.com
set VCBDIR=/etc/vmkops/integration
set SHARE=\\vmkops.example.com\mounts
if "%~1"=="" (echo usage: pre-command.bat VMID [TYPE]>&2 & exit /b 2)
set VM_TYPE=%~2
if not defined VM_TYPE set VM_TYPE=fullvm
set STAGED=%TEMP%\vmkops-%RANDOM%%RANDOM%.txt
ssh -o BatchMode=yes %VMKOPS_HOST% "'%VCBDIR%/generic/pre-command' '%~1' '%VM_TYPE%'" >"%STAGED%"
set STATUS=%ERRORLEVEL%
if "%STATUS%"=="0" for /f "usebackq delims=" %%F in ("%STAGED%") do echo %SHARE%\%%~nxF
del "%STAGED%"
if "%STATUS%"=="255" exit /b 3
exit /b %STATUS%
