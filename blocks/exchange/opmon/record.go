package opmon

// The sides of an exchange, as X-Road names them in securityServerType.
const (
	Client   = "Client"
	Producer = "Producer"
)

// Record is one exchange under X-Road's field names. Times are milliseconds
// since 1970, but for MonitoringDataTs, which is seconds; 0 is "did not happen".
type Record struct {
	MonitoringDataTs   int64  `json:"monitoringDataTs"`
	SecurityServerType string `json:"securityServerType"`

	RequestInTs   int64 `json:"requestInTs"`
	RequestOutTs  int64 `json:"requestOutTs,omitempty"`
	ResponseInTs  int64 `json:"responseInTs,omitempty"`
	ResponseOutTs int64 `json:"responseOutTs"`

	ClientXRoadInstance   string `json:"clientXRoadInstance,omitempty"`
	ClientMemberClass     string `json:"clientMemberClass,omitempty"`
	ClientMemberCode      string `json:"clientMemberCode,omitempty"`
	ClientSubsystemCode   string `json:"clientSubsystemCode,omitempty"`
	ServiceXRoadInstance  string `json:"serviceXRoadInstance,omitempty"`
	ServiceMemberClass    string `json:"serviceMemberClass,omitempty"`
	ServiceMemberCode     string `json:"serviceMemberCode,omitempty"`
	ServiceSubsystemCode  string `json:"serviceSubsystemCode,omitempty"`
	ServiceCode           string `json:"serviceCode,omitempty"`
	ServiceType           string `json:"serviceType,omitempty"`
	RestMethod            string `json:"restMethod,omitempty"`
	RestPath              string `json:"restPath,omitempty"` // the pattern that fitted: paths may name people
	MessageID             string `json:"messageId,omitempty"`
	XRequestID            string `json:"xRequestId,omitempty"`    // the same on both sides
	MessageUserID         string `json:"messageUserId,omitempty"` // a pseudonym
	MessageProtocol       string `json:"messageProtocolVersion,omitempty"`
	ClientSecurityServer  string `json:"clientSecurityServerAddress,omitempty"`
	ServiceSecurityServer string `json:"serviceSecurityServerAddress,omitempty"`

	RequestSize  int64  `json:"requestSize"`
	ResponseSize int64  `json:"responseSize"`
	Succeeded    bool   `json:"succeeded"`
	FaultCode    string `json:"faultCode,omitempty"`
	FaultString  string `json:"faultString,omitempty"`
	StatusCode   int    `json:"statusCode,omitempty"`
	XRoadVersion string `json:"xRoadVersion,omitempty"`
}
